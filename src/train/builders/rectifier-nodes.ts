import { type AttributeValue, float } from '../../onnx/build.js';
import type { Rectifier } from '../../rectifiers/rectifier.js';
import { rreluMeanSlope } from '../../rectifiers/rrelu-slopes.js';

/** What a rectifier's nodes are written with. */
export interface NodeWriter {
  /** A node with one output. The output is called `${prefix}/${name}`, whose name is returned. */
  op(
    name: string,
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): string;
  /** A float32 scalar. */
  constant(value: number): string;
  /** The learned slopes, all of this value at first. */
  slopes(value: number): string;
}

/** Writes the nodes of a rectifier of the given input and returns the name of its output. */
type Write = (writer: NodeWriter, x: string, parameters: Readonly<Record<string, number>>) => string;

/** One operator, with parameters of the rectifier as attributes. */
const single =
  (name: string, opType: string, attributes: Readonly<Record<string, string>> = {}): Write =>
  ({ op }, x, parameters) =>
    op(
      name,
      opType,
      [x],
      Object.fromEntries(
        Object.entries(attributes).map(([attribute, from]) => [attribute, float(parameters[from] as number)]),
      ),
    );

/** x/2 (1 + g(x)): GELU and its approximation. */
function halfGated({ op, constant }: NodeWriter, name: string, x: string, gate: string): string {
  const sum = op(`${name}/sum`, 'Add', [gate, constant(1)]);
  return op(name, 'Mul', [op(`${name}/product`, 'Mul', [x, sum]), constant(0.5)]);
}

const gelu: Write = (writer, x) => {
  const { op, constant } = writer;
  const scaled = op('gelu/scaled', 'Div', [x, constant(Math.SQRT2)]);
  return halfGated(writer, 'gelu', x, op('gelu/erf', 'Erf', [scaled]));
};

/** tanh(√(2/π) (x + 0.044715 x³)) as the gate (Hendrycks & Gimpel 2016). */
const geluTanh: Write = (writer, x) => {
  const { op, constant } = writer;
  const square = op('gelu/square', 'Mul', [x, x]);
  const cubic = op('gelu/cubic', 'Mul', [square, constant(0.044715)]);
  const bent = op('gelu/bent', 'Mul', [x, op('gelu/one', 'Add', [cubic, constant(1)])]);
  const scaled = op('gelu/scaled', 'Mul', [bent, constant(Math.sqrt(2 / Math.PI))]);
  return halfGated(writer, 'gelu', x, op('gelu/tanh', 'Tanh', [scaled]));
};

const silu: Write = ({ op, constant }, x, { beta }) => {
  const scaled = beta === 1 ? x : op('silu/scaled', 'Mul', [x, constant(beta as number)]);
  return op('silu', 'Mul', [x, op('silu/gate', 'Sigmoid', [scaled])]);
};

const mish: Write = ({ op }, x) =>
  op('mish', 'Mul', [x, op('mish/gate', 'Tanh', [op('mish/softplus', 'Softplus', [x])])]);

/** How each family of rectifiers is spelled in opset 17, by the part of its name before the colon. RReLU is as it is in evaluation. */
const families: ReadonlyMap<string, Write> = new Map<string, Write>([
  ['relu', single('relu', 'Relu')],
  ['leaky', single('leaky_relu', 'LeakyRelu', { alpha: 'negativeSlope' })],
  ['prelu', ({ op, slopes }, x, { negativeSlope }) => op('prelu', 'PRelu', [x, slopes(negativeSlope as number)])],
  ['rrelu', ({ op }, x, bounds) => op('rrelu', 'LeakyRelu', [x], { alpha: float(rreluMeanSlope(bounds)) })],
  [
    'rrelu-xu2015',
    ({ op }, x, bounds) =>
      op('rrelu', 'LeakyRelu', [x], { alpha: float(rreluMeanSlope({ convention: 'xu2015', ...bounds })) }),
  ],
  ['elu', single('elu', 'Elu', { alpha: 'alpha' })],
  ['selu', single('selu', 'Selu')],
  ['celu', single('celu', 'Celu', { alpha: 'alpha' })],
  ['relu6', ({ op, constant }, x) => op('relu6', 'Clip', [x, constant(0), constant(6)])],
  ['thresholded', single('thresholded_relu', 'ThresholdedRelu', { alpha: 'theta' })],
  ['gelu', gelu],
  ['gelu-tanh', geluTanh],
  ['silu', silu],
  ['mish', mish],
  ['softplus', single('softplus', 'Softplus')],
  ['hard-swish', single('hard_swish', 'HardSwish')],
]);

/** The part of a rectifier's name before its parameters: `leaky` of `leaky:0.01`. */
export const familyOf = ({ name }: Rectifier): string => name.split(':', 1)[0] as string;

/** Writes a rectifier as ONNX operators; throws a RangeError for one that is not of `rectifierNames`. */
export function writeRectifier(writer: NodeWriter, rectifier: Rectifier, x: string): string {
  const write = families.get(familyOf(rectifier));
  if (!write)
    throw new RangeError(
      `buildNetwork: rectifier must be one of ${[...families.keys()].join(', ')}, got '${rectifier.name}'`,
    );
  return write(writer, x, rectifier.parameters);
}
