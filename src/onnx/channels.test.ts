import { describe, expect, it } from 'vitest';
import { exposing, runAll } from '../../test/models.js';
import { randomBatch, randomNetwork } from '../../test/random-networks.js';
import { createRandom } from '../random.js';
import { floatTensor, node } from './build.js';
import { type Channels, type Knowledge, propagateConstants, propagateReads } from './channels.js';
import { constantLookup } from './constants.js';
import { redirect } from './edit.js';
import { copyModel, type Model, mainGraph } from './model.js';
import { indexGraph } from './scope.js';
import type { TensorData } from './tensor-data.js';

function analyse(model: Model) {
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const known = propagateConstants(scope, lookup);
  return { known, reads: propagateReads(scope, lookup, known) };
}

/** Which channel each element of a value belongs to. Fails where what is known does not fit the value's dimensions. */
function channelAt({ axis, constant, layout }: Channels, dims: readonly number[]): (at: number) => number {
  const count = constant.length;
  const at = axis < 0 ? axis + dims.length : axis;
  const length = dims[at]!;
  const inner = dims.slice(at + 1).reduce((a, b) => a * b, 1);
  if (layout === 'plain') {
    expect(length).toBe(count);
    return index => Math.floor(index / inner) % count;
  }
  expect([dims.length, at, length % count]).toEqual([2, 1, 0]);
  return layout === 'block'
    ? index => Math.floor((index % length) / (length / count))
    : index => (index % length) % count;
}

const isChannels = (knowledge: Knowledge | undefined): knowledge is Channels => typeof knowledge === 'object';

const samples = 3;
const networks = 400;

describe('constants, on random networks', () => {
  it('hold on every input, at the level that is claimed', async () => {
    let claims = 0;
    let levels = 0;
    for (let seed = 0; seed < networks; seed++) {
      const { model, sample, values } = randomNetwork(seed);
      const { known } = analyse(model);
      const random = createRandom(seed);
      const batches = [1, 100].map(scale => {
        const batch = randomBatch(sample, samples, random);
        return { x: { ...batch, data: (batch.data as Float32Array).map(item => scale * item) } };
      });
      const runs = await runAll(
        exposing(
          model,
          values.map(({ name }) => name),
        ),
        batches,
      );
      for (const { name } of values) {
        const knowledge = known.get(name);
        const [first, second] = runs.map(run => run[name] as TensorData & { data: Float32Array });
        const where = `seed ${seed}, ${name}`;
        if (knowledge === 'constant') expect(Array.from(second!.data), where).toEqual(Array.from(first!.data));
        if (!isChannels(knowledge)) continue;
        const channel = channelAt(knowledge, first!.dims);
        first!.data.forEach((value, at) => {
          const at0 = at % (first!.data.length / samples);
          if (!knowledge.constant[channel(at)]) return;
          claims++;
          // Instance norm of a constant divides rounding errors by almost nothing, hence not bit for bit.
          const change = Math.max(Math.abs(second!.data[at]! - value), Math.abs(first!.data[at0]! - value));
          expect(change, `${where}, channel ${channel(at)}`).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(value)));
          const level = knowledge.level[channel(at)]!;
          if (Number.isNaN(level)) return;
          levels++;
          expect(Math.abs(value - level), `${where}, level ${level}`).toBeLessThanOrEqual(
            1e-5 * Math.max(1, Math.abs(level)),
          );
        });
      }
    }
    expect(claims).toBeGreaterThan(20_000);
    expect(levels).toBeGreaterThan(10_000);
  });

  it('are found wherever they were planted', () => {
    let found = 0;
    for (let seed = 0; seed < networks; seed++) {
      const { model, planted } = randomNetwork(seed);
      const { known } = analyse(model);
      for (const { value, channel, level } of planted) {
        const knowledge = known.get(value);
        if (!isChannels(knowledge) || knowledge.layout !== 'plain') continue;
        found++;
        expect(knowledge.constant[channel], `seed ${seed}, ${value}[${channel}]`).toBe(1);
        if (!Number.isNaN(knowledge.level[channel]!)) expect(knowledge.level[channel]).toBeCloseTo(level, 4);
      }
    }
    expect(found).toBeGreaterThan(400);
  });
});

/** The model with noise added to every channel that is said to be read by no output. */
function disturbed(model: Model, runs: Record<string, TensorData>, only?: string): { model: Model; channels: number } {
  const { known, reads } = analyse(model);
  const copy = copyModel(model);
  const graph = mainGraph(copy);
  const random = createRandom(1);
  let channels = 0;
  for (const [value, { dims }] of Object.entries(runs)) {
    if (only && value !== only) continue;
    const knowledge = known.get(value);
    const flags = reads.get(value);
    if (flags === 'all') continue;
    const each = dims.slice(1).reduce((a, b) => a * b, 1);
    const noise = new Float64Array(each);
    if (flags === undefined) noise.fill(3);
    else {
      const channel = channelAt(knowledge as Channels, dims);
      noise.forEach((_, at) => {
        if (!flags[channel(at)]) noise[at] = 5 * random.normal();
      });
    }
    channels += noise.filter(item => item !== 0).length;
    const [offset, replaced] = [`${value}/noise`, `${value}/disturbed`];
    graph.initializer.push(floatTensor(offset, [1, ...dims.slice(1)], noise));
    redirect(graph, value, replaced);
    graph.node.push(node('Add', [value, offset], [replaced]));
  }
  return { model: copy, channels };
}

describe('reads, on random networks', () => {
  it('are all there is: noise on channels nothing reads changes no output', async () => {
    let disturbedChannels = 0;
    for (let seed = 0; seed < networks; seed++) {
      const { model, sample, values } = randomNetwork(seed);
      const x = randomBatch(sample, samples, createRandom(seed));
      const names = [...new Set(values.map(({ name }) => name))];
      const [all] = await runAll(exposing(model, names), [{ x }]);
      const outputs = mainGraph(model).output.map(({ name }) => name);
      const changed = async (only?: string): Promise<boolean> => {
        const noisy = disturbed(model, all!, only);
        disturbedChannels += noisy.channels;
        const noisyOutputs = mainGraph(noisy.model).output.map(({ name }) => name);
        const [result] = await runAll(noisy.model, [{ x }]);
        return outputs.some((name, output) => {
          const before = all![name]!.data as Float32Array;
          const after = result![noisyOutputs[output]!]!.data as Float32Array;
          return before.some((value, at) => !(Math.abs(value - after[at]!) <= 1e-4 * Math.max(1, Math.abs(value))));
        });
      };
      if (!(await changed())) continue;
      const culprits: string[] = [];
      for (const name of names) if (await changed(name)) culprits.push(name);
      expect(culprits, `seed ${seed}`).toEqual([]);
    }
    expect(disturbedChannels).toBeGreaterThan(5000);
  });
});
