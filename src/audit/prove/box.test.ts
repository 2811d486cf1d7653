import { describe, expect, it } from 'vitest';
import type { InputSpec } from '../../onnx/tensor-data.js';
import { boxesOf, parseInputRanges } from './box.js';

const spec = (name: string, type: InputSpec['type'] = 'float32'): InputSpec => ({ name, type, dims: [] });
const boxOf = (dims: readonly number[], range: string) =>
  boxesOf([spec('x')], { x: dims }, parseInputRanges([range])).get('x')!;

describe('ranges as flags', () => {
  it('one for all, by name, by channel', () => {
    expect(parseInputRanges(['0,1'])).toEqual({ '': { lower: 0, upper: 1 } });
    expect(parseInputRanges(['a=b=-1,2.5', '0,255'])).toEqual({
      'a=b': { lower: -1, upper: 2.5 },
      '': { lower: 0, upper: 255 },
    });
    expect(parseInputRanges(['0,1; -2,2'])).toEqual({ '': { lower: [0, -2], upper: [1, 2] } });
    expect(parseInputRanges(['3,3'])).toEqual({ '': { lower: 3, upper: 3 } });
  });

  it.each(['', '1', '1,', '0,1,2', '1,0', '0,x', '0,Infinity', 'NaN,1', '0,1;', 'x=', '0..1'])('refuses %j', text => {
    expect(() => parseInputRanges([text])).toThrow(/--input-range: it must be two numbers LOW,HIGH, got/);
  });

  it('refuses the same input twice', () => {
    expect(() => parseInputRanges(['x=0,1', 'x=0,2'])).toThrow(/once for an input/);
  });
});

describe('boxes', () => {
  it('are rounded outward to float32', () => {
    const { lower, upper } = boxOf([1, 2], '0.1,0.7');
    for (const value of lower.data) expect(Number(value)).toBeLessThanOrEqual(0.1);
    for (const value of upper.data) expect(Number(value)).toBeGreaterThanOrEqual(0.7);
    expect(Math.fround(0.1)).toBeGreaterThan(0.1);
    expect(Number(lower.data[0])).toBeCloseTo(0.1, 7);
    // Below the smallest subnormal number.
    expect(Number(boxOf([1, 1], '-1e-60,1e-60').lower.data[0])).toBe(-(2 ** -149));
  });

  it('take a pair for each channel, first or last', () => {
    expect([...boxOf([1, 2, 2, 1], '0,1;2,3').lower.data]).toEqual([0, 0, 2, 2]);
    expect([...boxOf([1, 3, 1, 2], '0,1;2,3').lower.data]).toEqual([0, 2, 0, 2, 0, 2]);
    expect([...boxOf([1, 3], '0,1;2,3;4,5').upper.data]).toEqual([1, 3, 5]);
    expect([...boxOf([2], '0,1;2,3').upper.data]).toEqual([1, 3]);
  });

  it('refuse what does not fit', () => {
    expect(() => boxOf([1, 3, 4, 4], '0,1;2,3')).toThrow(/one for each channel/);
    expect(() => boxOf([1, 3], '0,1e39')).toThrow(/finite float32/);
    expect(() => boxesOf([spec('x')], { x: [1] }, { y: { lower: 0, upper: 1 } })).toThrow(/name an input/);
    expect(() => boxesOf([spec('x')], { x: [1] }, {})).toThrow(/every input must have one, got none for 'x'/);
    expect(() => boxesOf([spec('x')], { x: [1] }, { x: { lower: 2, upper: 1 } })).toThrow(/must not exceed/);
    expect(() => boxesOf([spec('x')], { x: [1] }, { x: { lower: Number.NaN, upper: 1 } })).toThrow(/finite/);
  });

  it('leave out inputs that are not float32', () => {
    expect([...boxesOf([spec('n', 'int64')], { n: [1] }, {}).keys()]).toEqual([]);
  });
});
