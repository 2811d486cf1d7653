import { describe } from '../rectifiers/floats.js';
import { finite, positive, whole } from '../rectifiers/parameters.js';
import { preluRectifier } from '../rectifiers/prelu.js';
import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';
import { reluRectifier } from '../rectifiers/relu.js';
import { mean } from './statistics.js';

/** One unit y = f(w x + b) and what it is trained on. */
export interface NeuronOptions {
  readonly inputs: readonly number[];
  /** What y should be, one for each input. */
  readonly targets: readonly number[];
  /** w at the start. */
  readonly weight: number;
  /** b at the start. */
  readonly bias: number;
  /** Default ReLU. The slope of one whose name starts with `prelu` is learned too. */
  readonly rectifier?: Rectifier | undefined;
  /** ε, above 0. */
  readonly learningRate: number;
  /** How many steps of gradient descent. */
  readonly steps: number;
}

/** The unit before one step, and the gradients of that step; arrays have an entry for each input. */
export interface NeuronStep {
  /** From 0. */
  readonly step: number;
  readonly weight: number;
  readonly bias: number;
  /** The slope a of PReLU, which is learned; null for other rectifiers. */
  readonly slope: number | null;
  readonly preActivations: readonly number[];
  readonly outputs: readonly number[];
  /** Mean of (y − t)². */
  readonly loss: number;
  readonly weightGradient: number;
  readonly biasGradient: number;
  readonly slopeGradient: number | null;
  /** No pre-activation is above 0. */
  readonly silent: boolean;
  /** f′ is 0 at every pre-activation, and so are the gradients of weight and bias, whatever the targets. */
  readonly dead: boolean;
}

/**
 * Three points on the line y = x/10, and a unit that starts at y = x. The learning rate is a little too large for the distance: the first step
 * carries all three pre-activations below 0, where ReLU has no gradient to come back by.
 */
export const dyingNeuron = {
  inputs: [1, 2, 3],
  targets: [0.1, 0.2, 0.3],
  weight: 1,
  bias: 0,
  learningRate: 0.12,
  steps: 200,
} as const satisfies NeuronOptions;

function check({ inputs, targets, weight, bias, learningRate, steps }: NeuronOptions): void {
  const operation = 'traceNeuron';
  for (const [name, values] of Object.entries({ inputs, targets })) {
    if (!Array.isArray(values) || values.length === 0)
      throw new RangeError(`${operation}: ${name} must be an array of a number or more, got ${describe(values)}`);
    values.forEach((value, at) => {
      finite(operation, `${name}[${at}]`, value);
    });
  }
  if (targets.length !== inputs.length)
    throw new RangeError(`${operation}: targets must have length ${inputs.length} (inputs), got ${targets.length}`);
  finite(operation, 'weight', weight);
  finite(operation, 'bias', bias);
  positive(operation, 'learningRate', learningRate);
  whole(operation, 'steps', steps, 0);
}

/**
 * Full-batch gradient descent on one unit, step by step, in float64: L = mean (y − t)², ∂L/∂w = mean 2 (y − t) f′(z) x, ∂L/∂b without
 * the x, and for PReLU ∂L/∂a = mean 2 (y − t) min(z, 0). A ReLU unit whose pre-activations are all negative has gradients of
 * exactly 0 and stays as it is; a leaky one's are its slope times those of a linear unit. Gives steps + 1 states, the last one
 * after the last step. Throws a RangeError for inputs and targets of different lengths or numbers that are not finite, and where the
 * descent runs to infinity.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { dyingNeuron, traceNeuron } from 'reluminate/theory';
 * const relu = traceNeuron(dyingNeuron);
 * relu[1].preActivations.every(z => z < 0); // => true
 * relu[200].weightGradient; // => 0
 * const leaky = traceNeuron({ ...dyingNeuron, rectifier: parseRectifier('leaky:0.1') });
 * leaky[200].loss < 1e-4; // => true
 */
export function traceNeuron(options: NeuronOptions): NeuronStep[] {
  check(options);
  const { inputs, targets, learningRate, steps } = options;
  let { weight, bias, rectifier = reluRectifier() } = options;
  checkRectifier('traceNeuron', rectifier);
  const learnsSlope = rectifier.name.startsWith('prelu');
  const trace: NeuronStep[] = [];
  for (let step = 0; ; step++) {
    const { value, derivative, slopeGradient: bySlope, parameters } = rectifier;
    const preActivations = inputs.map(x => weight * x + bias);
    const outputs = preActivations.map(value);
    const errors = outputs.map((y, i) => 2 * (y - targets[i]!));
    const slopes = preActivations.map(derivative);
    const state: NeuronStep = {
      step,
      weight,
      bias,
      slope: learnsSlope ? parameters.negativeSlope! : null,
      preActivations,
      outputs,
      loss: mean(errors.map(error => error ** 2 / 4)),
      weightGradient: mean(errors.map((error, i) => error * slopes[i]! * inputs[i]!)),
      biasGradient: mean(errors.map((error, i) => error * slopes[i]!)),
      slopeGradient: learnsSlope ? mean(errors.map((error, i) => error * bySlope!(preActivations[i]!))) : null,
      silent: preActivations.every(z => z <= 0),
      dead: slopes.every(slope => slope === 0),
    };
    if (!Number.isFinite(state.loss))
      throw new RangeError(`traceNeuron: learningRate must be small enough to converge, got ${learningRate}`);
    trace.push(state);
    if (step === steps) return trace;
    weight -= learningRate * state.weightGradient;
    bias -= learningRate * state.biasGradient;
    if (learnsSlope) rectifier = preluRectifier(state.slope! - learningRate * state.slopeGradient!);
  }
}

/** When a unit fell silent and when it came back, as step numbers; null for never. */
export interface NeuronFate {
  readonly silentFrom: number | null;
  /** The first step after `silentFrom` at which a pre-activation is above 0. */
  readonly firesAgainAt: number | null;
  /** Without gradient at the last step: nothing will change any more. */
  readonly dead: boolean;
}

/**
 * When a traced unit fell silent for the first time and when it fired again, read off its trace. Throws nothing; an empty trace never fell silent.
 *
 * @example
 * import { dyingNeuron, neuronFate, traceNeuron } from 'reluminate/theory';
 * neuronFate(traceNeuron(dyingNeuron)); // => { "silentFrom": 1, "firesAgainAt": null, "dead": true }
 */
export function neuronFate(trace: readonly NeuronStep[]): NeuronFate {
  const silentFrom = trace.findIndex(({ silent }) => silent);
  const again = silentFrom < 0 ? -1 : trace.findIndex(({ step, silent }) => step > silentFrom && !silent);
  return {
    silentFrom: silentFrom < 0 ? null : silentFrom,
    firesAgainAt: again < 0 ? null : again,
    dead: trace.at(-1)?.dead ?? false,
  };
}
