import type { Command } from 'commander';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { significant } from '../report/numbers.js';
import { initializerNames, type LayerShape, parseInitializer } from '../theory/initializer.js';
import { parseWidths } from '../theory/network.js';
import { varianceFactor } from '../theory/variance-factor.js';
import { jsonText } from './json.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface InitializerFlags {
  readonly rectifier: string;
  readonly json?: boolean;
}

function layerOf(widths: string, rectifier: string): LayerShape {
  const [fanIn, fanOut, ...more] = parseWidths(widths) as [number, number, ...number[]];
  if (more.length > 0)
    throw new RangeError(`initializers: the layer must be written FANIN-FANOUT, such as 784-256, got '${widths}'`);
  return { fanIn, fanOut, rectifier: parseRectifier(rectifier) };
}

function answer(name: string, layer: LayerShape) {
  const { weightVariance, biasVariance, distribution } = parseInitializer(name).law(layer);
  const std = Math.sqrt(weightVariance / layer.fanIn);
  const bound = distribution === 'uniform' ? Math.sqrt(3) * std : null;
  const { forward, backward } = varianceFactor({ weightVariance, rectifier: layer.rectifier });
  // Of a unit's gradient rather than of its length: there are fanIn units on one side and fanOut on the other.
  const back = (backward * layer.fanOut) / layer.fanIn;
  const biasStd = Math.sqrt(biasVariance);
  return { initializer: name, distribution, weightVariance, std, bound, biasStd, forward, back };
}

/** What `answer` gives, in its order. */
const titles = ['initializer', 'weights', 'σ_w²', 'std', 'bound', 'std of biases', 'forward', 'back'];

const cells = ({ initializer, distribution, ...numbers }: ReturnType<typeof answer>): string[] => [
  initializer,
  distribution,
  ...Object.values(numbers).map(x => (x === null ? '' : significant(x, 4))),
];

/** Adds `reluminate theory initializers` to the command. */
export function addInitializersCommand(theory: Command): void {
  theory
    .command('initializers')
    .description('what each initializer does to a layer: scale of the weights, variance factors')
    .argument('<layer>', 'widths before and behind it: 784-256')
    .option('--rectifier <name>', 'behind the layer, and before the next', 'relu')
    .option('--json', 'print JSON instead of the table')
    .action((widths: string, { rectifier, json }: InitializerFlags) => {
      const [layer, answers] = orUsage(() => {
        const shape = layerOf(widths, rectifier);
        return [shape, initializerNames.map(name => answer(name, shape))] as const;
      });
      if (json) {
        process.stdout.write(jsonText({ exact: true, layer: { ...layer, rectifier }, initializers: answers }));
        return;
      }
      process.stdout.write(table(titles, answers.map(cells)));
      const keeping = (way: 'forward' | 'back') => {
        const names = answers.filter(one => Math.abs(one[way] - 1) < 1e-9).map(({ initializer }) => initializer);
        return names.length === 0 ? 'none' : names.join(', ');
      };
      process.stdout.write(`
Exact, for ${layer.rectifier?.label} and pre-activations of mean 0 and variance 1. Weights have the standard deviation std; forward and back are
what the layer multiplies the second moment of a unit and of its gradient by, biases aside.
Kept forward by: ${keeping('forward')}. Kept back by: ${keeping('back')}.
`);
    });
}
