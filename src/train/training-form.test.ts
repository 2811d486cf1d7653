import { expect, test } from 'vitest';
import { mainGraph } from '../onnx/model.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { buildNetwork } from './builders/build-network.js';
import { moons } from './datasets/plane.js';
import { evaluate } from './evaluate.js';
import { openTrainer } from './trainer.js';

const data = moons({ count: 64, noise: 0.1 });
const network = (rectifier: string) => buildNetwork('mlp:2-16-2', { rectifier: parseRectifier(rectifier) });

/** The losses of steps that move nothing. */
async function losses(rectifier: string, seed = 0, steps = 200): Promise<number[]> {
  const trainer = await openTrainer(network(rectifier), { batch: 64, threads: 1, seed });
  const found: number[] = [];
  for (let step = 0; step < steps; step++) found.push((await trainer.step(data, 0)).loss);
  await trainer.close();
  return found;
}

test.each(['rrelu:0.1,0.5', 'rrelu-xu2015:2,10'])(
  '%s draws other slopes in every step of training, the same by seed',
  async name => {
    const [a, again, other] = [await losses(name), await losses(name), await losses(name, 1)];
    expect(new Set(a).size).toBeGreaterThan(150);
    expect(again).toEqual(a);
    expect(other).not.toEqual(a);
    // The loss is close to linear in so few slopes, so that its mean is that of the mean slope.
    const { loss } = await evaluate(
      network(name.replace('-xu2015:2,10', `:${Math.log(5) / 8},${Math.log(5) / 8}`)),
      data,
    );
    const mean = a.reduce((sum, each) => sum + each, 0) / a.length;
    expect(Math.abs(mean - loss)).toBeLessThan(0.02);
  },
);

test('bounds that are equal draw that slope, and the trained model keeps the mean slope', async () => {
  const [drawn, fixed] = [await losses('rrelu:0.25,0.25', 0, 3), await losses('leaky:0.25', 0, 3)];
  drawn.forEach((loss, step) => {
    expect(loss).toBeCloseTo(fixed[step]!, 6);
  });
  const trainer = await openTrainer(network('rrelu:0.1,0.5'), { batch: 64, threads: 1 });
  await trainer.step(data, 0.1);
  const nodes = mainGraph(trainer.model()).node;
  await trainer.close();
  expect(nodes.map(({ opType }) => opType)).toEqual(['Gemm', 'LeakyRelu', 'Gemm']);
  expect(nodes[1]).toMatchObject({ docString: 'rrelu:0.1,0.5' });
  expect(nodes[1]!.attribute[0]!.f).toBeCloseTo(0.3, 6);
});
