import { Failure } from '../failure.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import { formatDims, quoteNames } from './match.js';

/** Most elements a `--shape` may stand for: what one ONNX Runtime tensor of floats holds in 8 GiB. */
const mostElements = 2 ** 31;

/**
 * Dims by input name from `--shape` flags such as `name=1x3x224x224`; the key is '' where a flag gives dims alone.
 * Throws a Failure (`usage`) for dims that are not whole numbers of 1 or more, for tensors of more than 2^31 elements and
 * for a name given twice.
 *
 * @example
 * import { parseShapes } from 'reluminate/data';
 * [...parseShapes(['image=1x3x224x224', 'scale=1x2'])]; // => [["image", [1, 3, 224, 224]], ["scale", [1, 2]]]
 * parseShapes(['8x10']).get(''); // => [8, 10]
 */
export function parseShapes(flags: readonly string[]): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const flag of flags) {
    // Names of inputs may contain '=', dims cannot.
    const split = flag.lastIndexOf('=') + 1;
    const name = flag.slice(0, Math.max(0, split - 1));
    if (shapes.has(name)) throw new Failure('usage', `--shape ${flag}: must be given once for each input, got two`);
    shapes.set(name, parseDims(flag.slice(split), flag));
  }
  return shapes;
}

/**
 * The inputs with their free dims replaced by the given ones; inputs without a shape stay as they are.
 * Throws a Failure (`usage`) for an input the model does not have, another number of axes, and a dim that contradicts a
 * fixed one.
 *
 * @example
 * import { applyShapes, parseShapes } from 'reluminate/data';
 * const inputs = [{ name: 'x', type: 'float32', dims: ['batch', 3, 'height', 'width'] }];
 * applyShapes(inputs, parseShapes(['x=1x3x32x32']))[0].dims; // => [1, 3, 32, 32]
 */
export function applyShapes(specs: readonly InputSpec[], shapes: ReadonlyMap<string, readonly number[]>): InputSpec[] {
  const names = specs.map(spec => spec.name);
  for (const [name, dims] of shapes) {
    if (name === '' && specs.length !== 1)
      throw new Failure(
        'usage',
        `--shape ${dims.join('x')}: must name one of the inputs ${quoteNames(names)}, as in ${names[0]}=${dims.join('x')}, got no name`,
      );
    if (name !== '' && !names.includes(name))
      throw new Failure('usage', `--shape ${name}=${dims.join('x')}: must name one of the inputs ${quoteNames(names)}`);
  }
  return specs.map(spec => {
    const dims = shapes.get(spec.name) ?? shapes.get('');
    return dims === undefined ? spec : { ...spec, dims: fixDims(spec, dims) };
  });
}

function parseDims(text: string, flag: string): number[] {
  const dims = text.split('x').map(Number);
  if (!/^\d+(x\d+)*$/.test(text) || dims.includes(0))
    throw new Failure('usage', `--shape ${flag}: dims must be whole numbers of 1 or more, as in 1x3x224x224`);
  const elements = dims.reduce((product, dim) => product * dim, 1);
  if (elements > mostElements)
    throw new Failure('usage', `--shape ${flag}: must be of at most 2^31 elements, got ${elements}`);
  return dims;
}

function fixDims(spec: InputSpec, dims: readonly number[]): readonly number[] {
  const fits =
    dims.length === spec.dims.length && spec.dims.every((dim, axis) => typeof dim !== 'number' || dim === dims[axis]);
  if (fits) return dims;
  throw new Failure('usage', `--shape: input '${spec.name}' takes ${formatDims(spec.dims)}, got [${dims.join(', ')}]`);
}
