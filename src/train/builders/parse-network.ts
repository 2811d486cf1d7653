import { describe } from '../../rectifiers/floats.js';
import type { Dataset } from '../dataset.js';
import { elements } from '../rule.js';
import { type Architecture, type CnnPart, formatNetwork, type ResNetStage } from './architecture.js';

const forms: Readonly<Record<Architecture['kind'], string>> = {
  mlp: 'mlp:784-256x2-10',
  cnn: 'cnn:1x28x28-16-pool-32-pool-10',
  resnet: 'resnet:1x28x28-16x2-32x2-10',
};
const kinds = Object.keys(forms) as Architecture['kind'][];

const mostLayers = 1000;

type Fail = (must: string, got: string) => RangeError;

/** The numbers of `1x28x28`, each from 1 up; null for anything else. */
function numbersOf(part: string): number[] | null {
  const numbers = part.split('x').map(text => (/^\d{1,9}$/.test(text) ? Number(text) : 0));
  return numbers.every(number => number >= 1) ? numbers : null;
}

/** The one number of a part; null for anything else. */
const oneNumber = (part: string | undefined): number | null => {
  const numbers = numbersOf(part ?? '');
  return numbers?.length === 1 ? (numbers[0] as number) : null;
};

/** A number with how often it occurs, as in `256x3`. */
function repeated(part: string, fail: Fail): [value: number, times: number] {
  const numbers = numbersOf(part);
  if (!numbers || numbers.length > 2)
    throw fail('parts must be whole numbers from 1 up, as in 256 or 256x3', `'${part}'`);
  const [value, times = 1] = numbers as [number, number?];
  if (times > mostLayers) throw fail(`there must be at most ${mostLayers} layers`, `'${part}'`);
  return [value, times];
}

function cnnParts(parts: readonly string[], fail: Fail): CnnPart[] {
  const found = parts.flatMap((part): CnnPart[] => {
    if (part === 'pool') return [{ kind: 'pool' }];
    const [, dense, strided] = /^(?:dense(\d+)|(\d+)\/2)$/.exec(part) ?? [];
    if (dense) return [{ kind: 'dense', width: repeated(dense, fail)[0] }];
    if (strided) return [{ kind: 'conv', channels: repeated(strided, fail)[0], stride: 2 }];
    const [channels, times] = repeated(part, fail);
    return new Array<CnnPart>(times).fill({ kind: 'conv', channels, stride: 1 });
  });
  const firstDense = found.findIndex(({ kind }) => kind === 'dense');
  const behind = firstDense < 0 ? -1 : found.slice(firstDense).findIndex(({ kind }) => kind !== 'dense');
  if (behind >= 0)
    throw fail('behind a dense layer there must be dense layers only', `a ${found[firstDense + behind]?.kind}`);
  return found;
}

/** A network of the given ends from the parts between them. */
function assemble(
  kind: Architecture['kind'],
  inputDims: readonly number[],
  middle: readonly string[],
  outputs: number,
  fail: Fail,
): Architecture {
  const checkLayers = (count: number) => {
    if (count > mostLayers) throw fail(`there must be at most ${mostLayers} layers`, `${count}`);
  };
  if (kind === 'mlp') {
    const hidden = middle.flatMap(part => {
      const [width, times] = repeated(part, fail);
      return new Array<number>(times).fill(width);
    });
    checkLayers(hidden.length);
    return { kind, inputDims, hidden, outputs };
  }
  if (inputDims.length !== 3)
    throw fail('the input must be channels, height and width, as in 1x28x28', inputDims.join('x'));
  if (kind === 'cnn') {
    const parts = cnnParts(middle, fail);
    checkLayers(parts.length);
    return { kind, inputDims, parts, outputs };
  }
  const stages = middle.map((part): ResNetStage => {
    const [channels, blocks] = repeated(part, fail);
    return { channels, blocks };
  });
  if (stages.length === 0) throw fail('there must be a stage, as in 16x2', 'none');
  checkLayers(stages.reduce((sum, { blocks }) => sum + blocks, 0));
  return { kind, inputDims, stages, outputs };
}

/** A text as its kind and the parts behind the colon. */
function partsOf(text: string, operation: string): { kind: Architecture['kind']; parts: string[]; fail: Fail } {
  if (typeof text !== 'string')
    throw new TypeError(`${operation}: the network must be a string, got ${describe(text)}`);
  const fail: Fail = (must, got) => new RangeError(`${operation}: ${must}, got ${got} in '${text}'`);
  const [, name, rest] = /^\s*([a-z]+):(.*)$/.exec(text.toLowerCase()) ?? [];
  const kind = kinds.find(each => each === name);
  if (!kind || rest === undefined)
    throw new RangeError(
      `${operation}: the network must be written like ${kinds.map(each => forms[each]).join(', ')}, got '${text}'`,
    );
  return { kind, parts: rest.split('-').map(part => part.trim()), fail };
}

/**
 * The architecture that a text stands for: `mlp:784-256-256-10`, `cnn:1x28x28-16-pool-32-pool-10`, `resnet:1x28x28-16x2-32x2-10`. Parts are separated by
 * `-`; the first is the input, the last the number of outputs. Between them, for an `mlp`: widths (`256x3` is three of them); for a
 * `cnn`: channels of 3×3 convolutions (`16x3` is three, `16/2` has stride 2), `pool` (max, 2×2) and `dense128`; for a `resnet`: stages, channels x blocks.
 * Throws a RangeError for other texts.
 *
 * @example
 * import { parseNetwork } from 'reluminate/train';
 * parseNetwork('mlp:784-256x2-10'); // => { "kind": "mlp", "inputDims": [784], "hidden": [256, 256], "outputs": 10 }
 * parseNetwork('resnet:3x32x32-16x2-32x2-10').stages[1]; // => { "channels": 32, "blocks": 2 }
 */
export function parseNetwork(text: string): Architecture {
  const { kind, parts, fail } = partsOf(text, 'parseNetwork');
  if (parts.length < 2) throw fail(`there must be an input and outputs, as in ${forms[kind]}`, `one part`);
  const inputDims = numbersOf(parts[0] as string);
  if (!inputDims) throw fail('the input must be whole numbers, as in 784 or 1x28x28', `'${parts[0]}'`);
  const outputs = oneNumber(parts.at(-1));
  if (outputs === null) throw fail('the last part must be the number of outputs', `'${parts.at(-1)}'`);
  return assemble(kind, inputDims, parts.slice(1, -1), outputs, fail);
}

/** The dimensions in which convolutions see a dataset: two axes are one channel. */
function imageDims({ inputDims, name }: Pick<Dataset, 'inputDims' | 'name'>, text: string): readonly number[] {
  if (inputDims.length === 3) return inputDims;
  if (inputDims.length === 2) return [1, ...inputDims];
  throw new RangeError(
    `completeNetwork: '${text}' must be given its input, as in 1x28x28, got '${name}' with samples [${inputDims.join(', ')}]`,
  );
}

/**
 * The architecture for a dataset from a text that leaves out both ends, `mlp:256-256`, `cnn:16-pool-32-pool`, `resnet:16x2-32x2`, or gives both as
 * `parseNetwork` takes them; they must be the dataset's then. Throws a RangeError for a text that gives one end alone, for ends that are not the
 * dataset's and as `parseNetwork`.
 *
 * @example
 * import { completeNetwork, formatNetwork, moons } from 'reluminate/train';
 * formatNetwork(completeNetwork('mlp:16-16', moons())); // => "mlp:2-16x2-2"
 */
export function completeNetwork(text: string, dataset: Pick<Dataset, 'name' | 'inputDims' | 'outputs'>): Architecture {
  const { kind, parts, fail } = partsOf(text, 'completeNetwork');
  const { inputDims, outputs, name } = dataset;
  const first = numbersOf(parts[0] as string);
  const hasInput =
    kind === 'mlp'
      ? first !== null && elements(first) === elements(inputDims) && parts.length > 1
      : first?.length === 3;
  const hasOutputs = oneNumber(parts.at(-1)) === outputs && parts.length > 1;
  if (kind === 'mlp' ? !hasInput && !hasOutputs : !hasInput)
    return assemble(kind, kind === 'mlp' ? inputDims : imageDims(dataset, text), parts, outputs, fail);
  const whole = kind === 'mlp' && !(hasInput && hasOutputs) ? null : parseNetwork(text);
  if (!whole || elements(whole.inputDims) !== elements(inputDims) || whole.outputs !== outputs) {
    const ends = `${inputDims.join('x')}-…-${outputs}`;
    throw new RangeError(
      `completeNetwork: a network for '${name}' must have the ends ${kind}:${ends}, or leave out both, got '${text}'`,
    );
  }
  return kind === 'mlp' ? { ...whole, inputDims } : whole;
}

/** The architecture of a text, or the architecture itself, once its text can be read. */
export const toArchitecture = (network: string | Architecture): Architecture =>
  parseNetwork(typeof network === 'string' ? network : formatNetwork(network));
