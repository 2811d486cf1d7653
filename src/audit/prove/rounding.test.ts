import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../../onnx/build.js';
import { createRandom } from '../../random.js';
import { downToFloat32, roundingShare, smoothShare, upToFloat32 } from './rounding.js';

describe('float32 neighbours', () => {
  it('are the nearest on their side', () => {
    const random = createRandom(3);
    for (let round = 0; round < 10_000; round++) {
      const x = random.normal() * 2 ** (random.integer(240) - 140);
      const [down, up] = [downToFloat32(x), upToFloat32(x)];
      expect(Math.fround(down)).toBe(down);
      expect(Math.fround(up)).toBe(up);
      expect(down <= x && x <= up).toBe(true);
      expect(up - down).toBeLessThanOrEqual(Math.max(2 ** -149, 2 ** -22 * Math.abs(x)));
    }
  });

  it('keep what float32 holds, and beyond it give infinities on the outside only', () => {
    for (const x of [0, 1, -0.5, 2 ** -149, 3.4028234663852886e38])
      expect([downToFloat32(x), upToFloat32(x)]).toEqual([x, x]);
    expect(downToFloat32(1e-50)).toBe(0);
    expect(upToFloat32(1e-50)).toBe(2 ** -149);
    expect(upToFloat32(1e39)).toBe(Infinity);
    expect(downToFloat32(1e39)).toBe(3.4028234663852886e38);
  });
});

it('the share grows with the number of terms and ends where it says nothing any more', () => {
  const shares = [0, 1, 100, 10_000, 1_000_000].map(terms => roundingShare(terms) as number);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares[0]).toBeGreaterThan(2 * 32 * 2 ** -24);
  expect(shares[4]).toBeLessThan(0.2);
  expect(roundingShare(2 ** 22)).toBeNull();
});

it('sums of float32 products stay within half the share of their terms, cancellation included', async () => {
  const random = createRandom(7);
  const [inputs, units, rows] = [1500, 40, 30];
  // Large terms of either sign that cancel leave an error far above the result's own size.
  const w = Float32Array.from({ length: inputs * units }, () => random.normal() * 10 ** (3 * random.uniform()));
  const x = Float32Array.from({ length: rows * inputs }, () => random.normal() * 10 ** (3 * random.uniform()));
  const model = modelOf({
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    initializers: [floatTensor('w', [inputs, units], w)],
    inputs: [valueInfo('x', ['N', inputs])],
    outputs: [valueInfo('y')],
  });
  const y = (await runOnce(model, { x: tensor([rows, inputs], x) })).y!.data;
  let worst = 0;
  for (let row = 0; row < rows; row++)
    for (let unit = 0; unit < units; unit++) {
      let [exact, size] = [0, 0];
      for (let k = 0; k < inputs; k++) {
        const term = x[row * inputs + k]! * w[k * units + unit]!;
        exact += term;
        size += Math.abs(term);
      }
      worst = Math.max(worst, Math.abs(Number(y[row * units + unit]) - exact) / size);
    }
  expect(worst).toBeGreaterThan(0);
  expect(worst).toBeLessThan((roundingShare(inputs) as number) / 2.2);
});

describe('functions that kernels approximate stay within their share', () => {
  const erf = (x: number): number => {
    // Integral of the density, Simpson's rule in float64.
    const [n, to] = [2000, Math.min(Math.abs(x), 6)];
    const f = (t: number) => Math.exp(-t * t);
    let sum = f(0) + f(to);
    for (let k = 1; k < n; k++) sum += (k % 2 ? 4 : 2) * f((k * to) / n);
    return Math.sign(x) * ((2 / Math.sqrt(Math.PI)) * (to / n / 3) * sum);
  };
  const selu = (x: number) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x));
  const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const functions: Record<string, [(x: number) => number, Record<string, { float: number }>?]> = {
    Sigmoid: [x => 1 / (1 + Math.exp(-x))],
    Tanh: [Math.tanh],
    Exp: [Math.exp],
    Erf: [erf],
    Softplus: [softplus],
    Softsign: [x => x / (1 + Math.abs(x))],
    Elu: [x => (x > 0 ? x : Math.expm1(x)), { alpha: float(1) }],
    Selu: [selu],
    Celu: [x => (x > 0 ? x : 0.5 * Math.expm1(x / 0.5)), { alpha: float(0.5) }],
    HardSigmoid: [x => Math.min(1, Math.max(0, Math.fround(0.2) * x + 0.5)), { alpha: float(0.2), beta: float(0.5) }],
    HardSwish: [x => x * Math.min(1, Math.max(0, x / 6 + 0.5))],
    Mish: [x => x * Math.tanh(softplus(x))],
    Gelu: [x => 0.5 * x * (1 + erf(x / Math.SQRT2))],
  };
  it.each(Object.keys(functions))('%s', async op => {
    const [exact, attributes] = functions[op] as (typeof functions)[string];
    const points = Float32Array.from({ length: 4001 }, (_, at) => (at - 2000) / 100);
    const model = modelOf(
      {
        nodes: [node(op, ['x'], ['y'], attributes)],
        inputs: [valueInfo('x', ['N'])],
        outputs: [valueInfo('y')],
      },
      20,
    );
    const y = (await runOnce(model, { x: tensor([points.length], points) })).y!.data;
    let worst = 0;
    points.forEach((x, at) => {
      worst = Math.max(worst, Math.abs(Number(y[at]) - exact(x)) / (1 + Math.abs(exact(x))));
    });
    expect(worst).toBeLessThan(smoothShare / 2);
  });
});
