import { expect, test } from 'vitest';
import type { FitResult, Split } from '../train/index.js';
import { classesText, resultText } from './train-text.js';

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

test('a result says of what its share is', () => {
  const epochs = [{ epoch: 1, validation: { loss: 0.25, accuracy: 0.5 } }];
  const result = { epochs, epoch: 1, ended: 'epochs' } as unknown as FitResult;
  const data = { name: 'd', count: 2, inputs: new Float32Array(8), inputDims: [4], classes: 2, outputs: 2 };
  const samples = { ...data, targets: new Int32Array(2) };
  const positions = { ...data, targets: new Int32Array(8), targetDims: [4] };
  expect(resultText(result, { test: samples } as unknown as Split)).toBe('50\u00a0% of 2 held-out samples right');
  expect(resultText(result, { test: positions } as unknown as Split)).toBe(
    '50\u00a0% of the positions of 2 held-out samples right',
  );
});
