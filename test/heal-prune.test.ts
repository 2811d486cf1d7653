import { describe, expect, it } from 'vitest';
import { audit } from '../src/audit/audit.js';
import { prune } from '../src/heal/prune/prune.js';
import type { PruneReport } from '../src/heal/prune/report.js';
import { type Model, writeModel } from '../src/onnx/model.js';
import type { TensorData } from '../src/onnx/tensor-data.js';
import { createRandom } from '../src/random.js';
import { healNetwork } from './heal-networks.js';
import { exposing, runOnce } from './models.js';
import { randomBatch, randomNetwork } from './random-networks.js';

/** Largest difference of two sets of outputs, relative to the largest number of each; and whether all are equal (−0 is 0). */
function compare(a: Record<string, TensorData>, b: Record<string, TensorData>): { drift: number; equal: boolean } {
  let [drift, equal] = [0, true];
  for (const [name, { data, dims }] of Object.entries(a)) {
    const other = b[name]!;
    expect(other.dims).toEqual(dims);
    const finite = Array.from(data as Float32Array).filter(Number.isFinite);
    const scale = finite.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30);
    for (const [at, value] of (data as Float32Array).entries()) {
      const found = other.data[at] as number;
      if (value === found || (Number.isNaN(value) && Number.isNaN(found))) continue;
      equal = false;
      drift = Math.max(drift, Number.isFinite(value) ? Math.abs(value - found) / scale : Infinity);
    }
  }
  return { drift, equal };
}

const foldsNothing = ({ layers, joined }: PruneReport) => joined.length === 0 && layers.every(layer => layer.folded === 0);
const removedUnits = ({ layers }: PruneReport) => layers.reduce((sum, { units }) => sum + units.removed.length, 0);

/** How many rectified units the report says are dead and stay. */
function leftRectified(model: Model, { left }: PruneReport): number {
  const layers = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];
  return left.filter(({ op }) => !layers.includes(op)).reduce((sum, { units }) => sum + units.length, 0);
}
