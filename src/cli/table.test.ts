import { expect, test } from 'vitest';
import { table } from './table.js';

test('numbers are aligned right under their titles, names left', () => {
  const text = table(
    ['rectifier', 'gain'],
    [
      ['relu', '1.41'],
      ['a', '−10'],
    ],
  );
  expect(text).toBe('rectifier  gain\nrelu       1.41\na           −10\n');
});

test('no rows leave the titles', () => expect(table(['a', 'b'], [])).toBe('a  b\n'));
