import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  collect,
  parseCount,
  parseNumber,
  parseNumbers,
  parseSeed,
  parseShare,
  parseSize,
  parseThreads,
} from './options.js';

const refuses = (parse: (text: string) => unknown, texts: readonly string[]) => {
  for (const text of texts) expect(() => parse(text), text).toThrow(InvalidArgumentError);
};

describe('values of flags', () => {
  test('numbers are decimal or a quotient', () => {
    expect(parseNumber('-0.5')).toBe(-0.5);
    expect(parseNumber('1/255')).toBe(1 / 255);
    expect(parseNumber(' 1e-3 ')).toBe(0.001);
    refuses(parseNumber, ['', ' ', '/', '1/', '/2', '1/2/3', '1/0', 'one', 'NaN', 'Infinity', '1,5', '5%']);
  });

  test('lists are numbers between commas', () => {
    expect(parseNumbers('0.485,0.456, 1/2')).toEqual([0.485, 0.456, 0.5]);
    refuses(parseNumbers, ['', ',', '1,', '1,,2', '1;2']);
  });

  test('counts are whole and start at 1, seeds at 0, threads end at 1024', () => {
    expect([parseCount('1'), parseCount('1000000'), parseSeed('0'), parseThreads('1024')]).toEqual([1, 1e6, 0, 1024]);
    refuses(parseCount, ['0', '-1', '1.5', '', 'x', '1e99', '9007199254740993']);
    refuses(parseSeed, ['', ' ', '-1', '0.5', 'x', '1e99']);
    refuses(parseThreads, ['0', '1025', '', '2.5', '1e9']);
  });

  test('shares are from 0 to 1 or in percent', () => {
    expect([parseShare('0'), parseShare('1'), parseShare('5%'), parseShare('100%'), parseShare('1/8')]).toEqual([
      0, 1, 0.05, 1, 0.125,
    ]);
    refuses(parseShare, ['-0.1', '1.1', '101%', '-1%', '%', '', 'half', '5%%']);
  });

  test('sizes are height and width, or one number for both', () => {
    expect(parseSize('320x240')).toEqual([320, 240]);
    expect(parseSize('224')).toEqual([224, 224]);
    refuses(parseSize, ['', 'x', '320x', 'x240', '1x2x3', '0x5', '-1x5', '1.5x2', '320X240', 'NaN']);
  });

  test('no text gives a number that is none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+.\d/%x,e]{0,8}$/)), text => {
        for (const parse of [parseNumber, parseCount, parseSeed, parseShare, parseThreads]) {
          try {
            expect(Number.isFinite(parse(text))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidArgumentError);
          }
        }
      }),
    );
  });

  test('repeated flags are collected in order', () => {
    expect(collect('b', collect('a', undefined))).toEqual(['a', 'b']);
  });
});
