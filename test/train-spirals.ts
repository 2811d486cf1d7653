import type * as library from '../src/index.js';
import type { OnnxRuntime } from '../src/onnx/index.js';
import type * as training from '../src/train/index.js';

/** What a training found: the loss before each step, and the slopes that were learned. */
export interface Trained {
  readonly losses: number[];
  readonly slopes: number[];
}

/** The modules of the package, as they are here: sources in Node, the built package in a browser. */
type Modules = Pick<typeof training, 'buildNetwork' | 'openTrainer' | 'parameterValues' | 'spirals'> &
  Pick<typeof library, 'parseRectifier'>;

/** Trains an MLP with PReLU on two spirals, all samples in every step. */
export async function trainSpirals(
  { buildNetwork, openTrainer, parameterValues, parseRectifier, spirals }: Modules,
  steps: number,
  session: { readonly runtime?: OnnxRuntime; readonly executionProviders?: readonly string[] } = {},
): Promise<Trained> {
  const { inputs, targets, count } = spirals({ classes: 2, count: 64 });
  const model = buildNetwork('mlp:2-16x2-2', { rectifier: parseRectifier('prelu') });
  const trainer = await openTrainer(model, { ...session, batch: count, threads: 1 });
  const losses: number[] = [];
  while (trainer.steps < steps) losses.push((await trainer.step({ inputs, targets }, 0.05)).loss);
  const learned = trainer.model();
  const slopes = trainer.parameters
    .filter(({ kind }) => kind === 'slope')
    .flatMap(({ name }) => [...parameterValues(learned, name)]);
  await trainer.close();
  return { losses, slopes };
}
