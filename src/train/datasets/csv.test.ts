import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../failure.js';
import { type CsvOptions, parseCsv } from './csv.js';

const parse = (lines: readonly string[], options?: CsvOptions) => parseCsv(lines.join('\n'), 'x.csv', options);
const flowers = ['width,height,kind', '1,2,rose', '3,4.5,daisy', '-5,6e-1,rose', '7,8,daisy'];

describe('parseCsv', () => {
  test('words are classes in alphabetical order, numbers beside them inputs', () => {
    const data = parse(flowers);
    expect(data).toMatchObject({ name: 'x.csv', count: 4, inputDims: [2], classes: 2, outputs: 2 });
    expect(data.classNames).toEqual(['daisy', 'rose']);
    expect(data.targets).toEqual(Int32Array.of(1, 0, 1, 0));
    expect(data.inputs).toEqual(Float32Array.of(1, 2, 3, 4.5, -5, 0.6, 7, 8));
  });

  test('whole numbers are classes in numerical order', () => {
    const data = parse(['1,10', '2,9', '3,10', '4,9']);
    expect(data.classNames).toEqual(['9', '10']);
    expect(data.targets).toEqual(Int32Array.of(1, 0, 1, 0));
  });

  test('numbers with a decimal point are numbers to be met', () => {
    const data = parse(['a,price', '1,24.0', '2,30', '3,-1e2']);
    expect(data).toMatchObject({ classes: null, outputs: 1, count: 3 });
    expect(data.targets).toEqual(Float32Array.of(24, 30, -100));
  });

  test('the target is named or numbered', () => {
    const lines = ['kind,width', 'a,1', 'b,2', 'a,3', 'b,4'];
    for (const target of ['kind', '1']) {
      const data = parse(lines, { target });
      expect(data.classNames).toEqual(['a', 'b']);
      expect(data.inputs).toEqual(Float32Array.of(1, 2, 3, 4));
    }
    expect(parse(['a,1', 'b,2', 'a,3', 'b,4'], { target: '1' }).classNames).toEqual(['a', 'b']);
  });

  test('a header of numbers is seen by its target', () => {
    expect(parse(['0,1,label', '5,6,0', '7,8,1', '5,6,0', '7,8,1']).count).toBe(4);
    expect(parse(['0,label', '5,a', '7,b', '5,a', '7,b'], { target: 'label' }).classNames).toEqual(['a', 'b']);
    expect(parse(['5,a', '7,b', '5,a', '7,b']).count).toBe(4);
  });

  test('quotes, a byte order mark, CRLF, blank lines, spaces and tabs', () => {
    const text = '\uFEFF"w, cm",kind\r\n\r\n"1.5","a ""b"""\r\n 2 , c \r\n3,"a ""b"""\r\n4,c\r\n\r\n';
    const data = parseCsv(text, 'x.csv');
    expect(data.inputs).toEqual(Float32Array.of(1.5, 2, 3, 4));
    expect(data.classNames).toEqual(['a "b"', 'c']);
    expect(parse(['1\ta', '2\tb', '3\ta', '4\tb'], { separator: '\t' }).classNames).toEqual(['a', 'b']);
  });

  test('any table of numbers comes back', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }).chain(width =>
          fc.array(
            fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: width, maxLength: width }),
            {
              minLength: 2,
              maxLength: 10,
            },
          ),
        ),
        rows => {
          const data = parse(rows.map(row => [...row, 0.5].join(',')));
          // -0 is written 0.
          expect(Array.from(data.inputs, value => value + 0)).toEqual(rows.flat().map(value => value + 0));
        },
      ),
    ));

  test('any text is read or refused with a Failure', () => {
    const text = fc.string({ unit: fc.constantFrom(',', '\n', '"', '1', '.', 'a', ' ', '-'), maxLength: 40 });
    fc.assert(
      fc.property(text, each => {
        try {
          const { count, inputs, inputDims, targets } = parseCsv(each, 'x.csv');
          expect(inputs.length).toBe(count * inputDims[0]!);
          expect(targets.length).toBe(count);
          expect(inputs.every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[string, readonly string[], string, CsvOptions?]>([
    ['an empty file', [''], 'there must be a row, got an empty file'],
    ['blank lines', ['', '', ''], 'there must be a row, got an empty file'],
    ['a header alone', ['a,b'], 'there must be rows below the header, got none'],
    ['one column', ['1', '2'], 'there must be a column of inputs and one of targets, got one column'],
    ['a ragged row', ['a,b,c', '1,2,x', '1,x'], 'row 3 must have 3 cells, as row 1 has, got 2'],
    ['a word among numbers', ['a,b,c', '1,2,x', '1,oops,x'], "row 3, column 'b' must be a finite number, got 'oops'"],
    ['NaN', ['1,2,x', '1,NaN,x'], "row 2, column 2 must be a finite number, got 'NaN'"],
    ['a word in the first row', ['1,oops,x', '1,2,x'], "row 1, column 2 must be a finite number, got 'oops'"],
    ['infinity', ['1,2,x', '1,1e39,x'], "row 2, column 2 must be a finite number, got '1e39'"],
    ['an empty cell', ['a,b,c', '', '1,,x'], "row 3, column 'b' must be a finite number, got an empty cell"],
    ['an empty target', ['a,b', '1,', '2,x'], "row 2, column 'b' must hold a target, got an empty cell"],
    ['one class', ['1,x', '2,x'], "column 2 must hold two classes or more, got 'x' in every row"],
    ['classes that do not repeat', ['1,3', '2,4', '3,5'], 'classes in column 2 must repeat (numbers to be met need'],
    [
      'an unknown target',
      flowers,
      "the target must be one of the columns 'width', 'height', 'kind', got 'color'",
      { target: 'color' },
    ],
    [
      'a column beyond the last',
      flowers,
      "the target must be one of the columns 'width', 'height', 'kind', got '4'",
      { target: '4' },
    ],
    ['column 0', ['1,x', '2,y'], "the target must be one of the columns 1 to 2, got '0'", { target: '0' }],
    [
      'two columns of that name',
      ['a,a', '1,x', '2,y'],
      "the target must be one column, got several called 'a'",
      { target: 'a' },
    ],
  ])('refuses %s', (_, lines, message, options) => {
    expect(() => parse(lines, options)).toThrow(`dataset 'x.csv': ${message}`);
  });
});
