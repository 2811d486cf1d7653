import { expect, test } from 'vitest';
import { classesText } from './train-text.js';

test('classes are listed with what they are taken for', () => {
  const counts = [
    [9, 1, 0],
    [0, 10, 0],
    [2, 3, 5],
  ];
  expect(classesText(counts, ['oak', 'elm', 'ash\u001b'])).toBe(
    'Right by class: oak 9/10 (1 as elm), elm 10/10, ash 5/10 (3 as elm)\n',
  );
  expect(classesText(counts)).toBe('Right by class: 0 9/10 (1 as 1), 1 10/10, 2 5/10 (3 as 1)\n');
  expect(classesText(Array.from({ length: 21 }, () => [1]))).toBe('');
});
