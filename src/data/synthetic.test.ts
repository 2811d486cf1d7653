import { describe, expect, test } from 'vitest';
import type { Batch, ElementType, InputSpec } from '../onnx/tensor-data.js';
import type { SampleSource } from './batches.js';
import { decodeFloat16 } from './elements.js';
import { type SyntheticOptions, syntheticSamples } from './synthetic.js';

const input = (type: ElementType, ...dims: InputSpec['dims']): InputSpec => ({ name: type, type, dims });
const options: SyntheticOptions = { distribution: 'normal', samples: 100, seed: 1 };

async function collect(source: SampleSource): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of source.batches()) batches.push(batch);
  return batches;
}
const numbers = (batches: Batch[], name: string) =>
  batches.flatMap(batch => [...(batch.feeds[name]!.data as Float32Array)].map(Number));

describe('syntheticSamples', () => {
  test('the same seed gives the same samples, in batches of any size, again and again', async () => {
    const specs = [input('float32', 'n', 3, 5), input('int64', null, 2)];
    const source = syntheticSamples(specs, options);
    const all = numbers(await collect(source), 'float32');
    expect(all.length).toBe(1500);
    expect(numbers(await collect(source), 'float32')).toEqual(all);
    for (const batch of [1, 7, 100]) {
      const other = await collect(syntheticSamples(specs, { ...options, batch }));
      expect(numbers(other, 'float32')).toEqual(all);
      expect(other[0]!.samples).toBe(batch);
    }
    expect(numbers(await collect(syntheticSamples(specs, { ...options, seed: 2 })), 'float32')).not.toEqual(all);
    expect(source).toMatchObject({ kind: 'synthetic', total: 100, description: '100 random samples, normal, seed 1' });
  });

  test('normal and uniform have the moments of their distribution', async () => {
    const moments = async (distribution: SyntheticOptions['distribution']) => {
      const batches = await collect(syntheticSamples([input('float32', 'n', 500)], { ...options, distribution }));
      const values = numbers(batches, 'float32');
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return {
        mean,
        variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length,
        min: Math.min(...values),
      };
    };
    const normal = await moments('normal');
    expect(normal.mean).toBeCloseTo(0, 1);
    expect(normal.variance).toBeCloseTo(1, 1);
    const uniform = await moments('uniform');
    expect(uniform.mean).toBeCloseTo(0.5, 2);
    expect(uniform.variance).toBeCloseTo(1 / 12, 2);
    expect(uniform.min).toBeGreaterThanOrEqual(0);
  });

  test.each<ElementType>(['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool'])(
    '%s inputs are 0 or 1',
    async type => {
      const values = numbers(await collect(syntheticSamples([input(type, 'n', 50)], options)), type);
      expect(new Set(values)).toEqual(new Set([0, 1]));
      expect(Math.abs(values.filter(value => value === 1).length / 5000 - 0.5)).toBeLessThan(0.05);
    },
  );

  test('float16 and float64 hold the same numbers as float32, rounded', async () => {
    const draw = async (type: ElementType) =>
      (await collect(syntheticSamples([input(type, 'n', 4)], options)))[0]!.feeds[type]!.data;
    const single = (await draw('float32')) as Float32Array;
    expect(Float32Array.from((await draw('float64')) as Float64Array)).toEqual(single);
    const half = decodeFloat16((await draw('float16')) as Uint16Array);
    half.forEach((value, i) => {
      expect(Math.abs(value - single[i]!)).toBeLessThanOrEqual(Math.abs(single[i]!) * 2 ** -11);
    });
  });

  test('a fixed batch is padded, an input without axes stays the same', async () => {
    const specs = [input('float32', 8, 2), input('float64')];
    const batches = await collect(syntheticSamples(specs, { ...options, samples: 10 }));
    expect(batches.map(batch => batch.samples)).toEqual([8, 2]);
    expect(batches[1]!.feeds.float32!.dims).toEqual([8, 2]);
    expect(batches[1]!.feeds.float64).toEqual(batches[0]!.feeds.float64);
  });

  test('a free axis other than the first is refused, naming the flag', () => {
    expect(() => syntheticSamples([input('float32', 'n', 3, 'height', null)], options)).toThrow(
      "--shape: must fix the free axes of input 'float32', as in float32=1x3x224x224, got [N, 3, height, ?]",
    );
    expect(() => syntheticSamples([input('float32', 'n')], { ...options, samples: 0 })).toThrow('--samples: must be');
  });
});
