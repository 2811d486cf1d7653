import { graph, modelProto, valueInfo } from '../../onnx/build.js';
import { type Model, writeModel } from '../../onnx/model.js';
import { createRandom } from '../../random.js';
import { whole } from '../../rectifiers/parameters.js';
import type { Rectifier } from '../../rectifiers/rectifier.js';
import { type Initializer, parseInitializer } from '../../theory/initializer.js';
import { type Architecture, formatNetwork } from './architecture.js';
import { assembleNetwork } from './assemble.js';
import { createAssembler } from './assembler.js';
import { toArchitecture } from './parse-network.js';
import { type SkipOptions, tailoredRectifier } from './tailored-rectifier.js';

export interface BuildOptions extends SkipOptions {
  /** Behind every layer but the last. */
  readonly rectifier: Rectifier;
  /** PReLU's slopes: one for each channel or feature (the default), or one shared by a layer. */
  readonly slopes?: 'channel' | 'shared' | undefined;
  /** How weights and biases are drawn (default `he`, with the gain of the rectifier). */
  readonly initializer?: Initializer | undefined;
  /** Give leaky ReLU or PReLU the slope tailored to the network, where there is one (default false); without batch norm only. */
  readonly tailored?: boolean | undefined;
  /** Batch norm between the weights of each rectified layer and the rectifier (default false). */
  readonly batchNorm?: boolean | undefined;
  /** The same seed gives the same network (default 0). */
  readonly seed?: number | undefined;
}

function chosenRectifier(
  architecture: Architecture,
  { rectifier, tailored, batchNorm, ...skips }: BuildOptions,
): Rectifier {
  if (!tailored) return rectifier;
  if (batchNorm)
    throw new RangeError(
      'buildNetwork: tailored must be without batchNorm, which the theory of slopes leaves out, got both',
    );
  return tailoredRectifier(architecture, rectifier, skips) ?? rectifier;
}

/**
 * An ONNX model of a network, with weights drawn by the seed, ready to be trained or run: input `input` [N, …], output `output` [N, outputs], opset 17.
 * Parameters are initializers such as `layer1/weight` [out, in] or [out, in, 3, 3], `layer1/bias`, `layer1/slope` ([C, 1, 1] behind convolutions),
 * `layer1/norm/scale`. RReLU is in the form of evaluation, with its bounds in the node's documentation, by which training draws slopes. Throws a RangeError for texts and options that are none.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork } from 'reluminate/train';
 * const model = buildNetwork('mlp:784-256x2-10', { rectifier: parseRectifier('prelu') });
 * model.proto.graph.initializer.map(({ name }) => name).slice(0, 4); // => ["layer1/weight", "layer1/bias", "layer1/slope", "layer2/weight"]
 */
export function buildNetwork(network: string | Architecture, options: BuildOptions): Model {
  const architecture = toArchitecture(network);
  const {
    slopes = 'channel',
    initializer = parseInitializer('he'),
    batchNorm = false,
    seed = 0,
    skips = true,
    zeroBranches = false,
  } = options;
  if (slopes !== 'channel' && slopes !== 'shared')
    throw new RangeError(`buildNetwork: slopes must be 'channel' or 'shared', got '${slopes}'`);
  const rectifier = chosenRectifier(architecture, options);
  const random = createRandom(whole('buildNetwork', 'seed', seed, 0));
  const make = createAssembler({ rectifier, slopes, initializer, batchNorm, random });
  const input = { name: 'input', dims: architecture.inputDims };
  assembleNetwork(make, architecture, input, { rectifier, skips, zeroBranches });
  const name = formatNetwork(architecture);
  const main = graph({
    name,
    nodes: make.nodes,
    inputs: [valueInfo('input', ['N', ...architecture.inputDims])],
    outputs: [valueInfo('output', ['N', architecture.outputs])],
    initializers: make.initializers,
  });
  const model: Model = { name, proto: modelProto(main), external: new Map(), bytes: 0 };
  return { ...model, bytes: writeModel(model).length };
}
