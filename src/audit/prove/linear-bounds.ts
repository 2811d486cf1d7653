import { graph, modelProto, valueInfo } from '../../onnx/build.js';
import { DataType } from '../../onnx/proto.js';
import { openSession, type SessionOptions } from '../../onnx/runtime.js';
import { type Best, type LinearContext, planPass } from './backward-pass.js';
import { write } from './backward-rules.js';

/** Coefficients that one run may hold. */
const mostCoefficients = 2 ** 22;

/**
 * Tightens the bounds of some elements of a value, in place, by linear bounds: the value is written as a linear function of the model's
 * inputs plus a remainder by pulling it back through the layers, each rectifier between two lines (CROWN, Zhang et al. 2018), and its least
 * and largest value over the box is taken. Rounding, forward and backward, is in the remainders. Bounds never get wider. At most about
 * `budget` multiply-adds are spent: beyond, the way back ends at the bounds known there. Returns what was
 * spent, 0 where nothing was to be gained.
 */
export async function tighten(
  context: LinearContext,
  target: string,
  elements: readonly number[],
  budget: number,
  options: SessionOptions,
): Promise<number> {
  const best = context.best.get(target) as Best;
  const { pass, isDeep, work, widest } = planPass(context, target, 2 * elements.length, budget);
  if (!isDeep) return 0;
  const count = best.lower.length;
  const total = write(pass, 'Sum', pass.parts);
  const main = graph({
    nodes: pass.nodes,
    initializers: pass.initializers,
    inputs: [valueInfo('rows', ['R', count])],
    outputs: [valueInfo(total, undefined, DataType.DOUBLE)],
  });
  const model = { name: context.anatomy.model.name, proto: modelProto(main), external: new Map(), bytes: 0 };
  const session = await openSession(model, options);
  try {
    const each = Math.max(1, Math.floor(mostCoefficients / widest / 2));
    for (let from = 0; from < elements.length; from += each) {
      const some = elements.slice(from, from + each);
      const data = new Float32Array(2 * some.length * count);
      some.forEach((element, row) => {
        data[2 * row * count + element] = 1;
        data[(2 * row + 1) * count + element] = -1;
      });
      const rows = { type: 'float32', dims: [2 * some.length, count], data } as const;
      const { [total]: bound } = await session.run({ rows });
      some.forEach((element, row) => {
        const least = Number(bound?.data[2 * row]) - pass.floor;
        const most = -(Number(bound?.data[2 * row + 1]) - pass.floor);
        if (Number.isFinite(least) && least > (best.lower[element] as number)) best.lower[element] = least;
        if (Number.isFinite(most) && most < (best.upper[element] as number)) best.upper[element] = most;
      });
    }
    return work;
  } finally {
    await session.close();
  }
}
