import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, count, percent, plural, si, significant } from './numbers.js';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('count and plural', () => {
  test('group thousands and agree in number', () => {
    expect(count(1234567)).toBe('1,234,567');
    expect(count(-12)).toBe('−12');
    expect([0, 1, 2].map(n => plural(n, 'unit'))).toEqual(['0 units', '1 unit', '2 units']);
    expect(plural(2, 'box', 'boxes')).toBe('2 boxes');
  });
});

describe('percent', () => {
  test.each([
    [0, '0 %'],
    [0.00001, '< 0.01 %'],
    [0.00123, '0.12 %'],
    [0.0548, '5.5 %'],
    [0.36, '36 %'],
    [0.99951, '> 99.9 %'],
    [1, '100 %'],
  ])('%f is %s', (share, text) => expect(plain(percent(share))).toBe(text));

  test('never rounds to none or all', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), share => {
        expect(plain(percent(share))).not.toMatch(/^(0|100) %$/);
      }),
    );
  });
});

describe('significant', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [0.012345, '0.0123'],
    [-1.9, '−1.9'],
    [-4.12e-7, '−4.12e−7'],
    [1e-5, '1e−5'],
    [1234567, '1.23e6'],
    [12345, '12,300'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '∞'],
    [Number.NEGATIVE_INFINITY, '−∞'],
  ])('%f is %s', (x, text) => expect(significant(x)).toBe(text));

  test('keeps three digits of every finite number and no hyphen', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e300, max: 1e300, noNaN: true }), x => {
        const text = significant(x);
        expect(text).not.toContain('-');
        const back = Number(text.replaceAll('−', '-').replaceAll(',', ''));
        expect(Math.abs(back - x)).toBeLessThanOrEqual(Math.abs(x) * 0.0051);
      }),
    );
  });
});

describe('si and bytes', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [999.9, '1 k'],
    [45_200, '45.2 k'],
    [312_000_000, '312 M'],
    [3.14e9, '3.14 G'],
    [-5000, '−5 k'],
  ])('%f is %s', (n, text) => expect(plain(si(n))).toBe(text));

  test('sizes of files', () => {
    expect([1, 812, 2_400_000].map(n => plain(bytes(n)))).toEqual(['1 byte', '812 bytes', '2.4 MB']);
  });
});
