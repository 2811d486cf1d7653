import type { Command } from 'commander';
import { type MeasuredLayers, measureLayers } from '../audit/measured-layers.js';
import { Failure } from '../failure.js';
import { readModelFile } from '../onnx/file.js';
import { cutMiddle, labels, printable } from '../report/names.js';
import { plural, significant } from '../report/numbers.js';
import { type Chain, type InspectedLayer, type Inspection, inspectLayers } from '../theory/inspect.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { table } from './table.js';

interface InspectFlags {
  readonly json?: boolean;
  readonly output?: string;
}

const cell = (value: number | null): string => (value === null ? '–' : significant(value));

interface Column {
  readonly title: string;
  readonly of: (layer: InspectedLayer, at: number) => string;
}

const differs = (a: number | null, b: number | null): boolean => a !== b && !(Math.abs((a ?? 0) / (b ?? 0) - 1) < 1e-3);

/** The columns that say something: what is the same for every layer as the column before is left out. */
function columnsFor(layers: readonly InspectedLayer[]): Column[] {
  const names = labels(
    layers.map(({ name }) => name),
    28,
  );
  const digits = String(layers.length).length;
  const when = (condition: boolean, ...columns: Column[]) => (condition ? columns : []);
  const hasGradient = layers.some(({ forward, backward }) => differs(forward, backward));
  const both = hasGradient ? 'signal ×' : 'factor';
  return [
    { title: 'layer', of: (_, at) => `${String(at + 1).padStart(digits)} ${names[at]}` },
    { title: 'reads', of: ({ previous }) => (previous === null ? '–' : String(previous + 1)) },
    { title: 'fan-in', of: ({ fanIn }) => significant(fanIn, 6) },
    { title: 'behind it', of: ({ isKnown, follows }) => cutMiddle(printable(follows), 26) + (isKnown ? '' : ' (?)') },
    ...when(
      layers.some(({ meanSlope }) => meanSlope),
      { title: 'slope', of: layer => cell(layer.rectifier && layer.meanSlope) },
    ),
    ...when(
      layers.some(({ ownWeightVariance, weightVariance }) => differs(ownWeightVariance, weightVariance)),
      { title: 'own σ_w²', of: layer => cell(layer.ownWeightVariance) },
    ),
    { title: 'σ_w²', of: layer => cell(layer.weightVariance) },
    { title: 'E b²', of: layer => cell(layer.biasVariance) },
    { title: both, of: layer => cell(layer.forward) },
    { title: 'so far', of: layer => cell(layer.cumulativeForward) },
    ...when(
      hasGradient,
      { title: 'gradient ×', of: layer => cell(layer.backward) },
      { title: 'so far', of: layer => cell(layer.cumulativeBackward) },
    ),
    { title: 'weights ×', of: layer => cell(layer.rescaling) },
    { title: 'or slope', of: layer => cell(layer.goldenSlope) },
  ];
}

function layerTable(layers: readonly InspectedLayer[]): string {
  const columns = columnsFor(layers);
  const rows = layers.map((layer, at) => columns.map(column => column.of(layer, at)));
  return table(
    columns.map(({ title }) => title),
    rows,
  );
}

/** A size changed by more than this is called vanishing or exploding. */
const limit = 1000;

/** What a size becomes whose square is multiplied by `product`. */
function fate(product: number, isBounded: boolean): string {
  const size = Math.sqrt(product);
  const extreme =
    size < 1 / limit
      ? ' (it vanishes)'
      : size > limit
        ? ` (it explodes${isBounded ? ', up to where rectifiers with a ceiling cut it off' : ''})`
        : '';
  return `is multiplied by ${significant(size)}${extreme}`;
}

function about(name: string, { layers, forward, backward }: Chain, inspected: readonly InspectedLayer[]): string {
  const [first, last] = [layers[0] as number, layers.at(-1) as number];
  const path =
    layers.length === 1 ? `layer ${first + 1}` : `${plural(layers.length, 'layer')} from ${first + 1} to ${last + 1}`;
  const isBounded = layers.some(at => Number.isFinite(inspected[at]?.rectifier?.range[1]));
  const what = differs(forward, backward)
    ? `the size of the signal ${fate(forward, isBounded)}, that of the gradient ${fate(backward, isBounded)}`
    : `the size of the signal, and of the gradient, ${fate(forward, isBounded)}`;
  return `${name}, ${path}: ${what}.`;
}

const extremity = ({ forward, backward }: Chain): number =>
  Math.max(Math.abs(Math.log(forward)), Math.abs(Math.log(backward)));

function aboutChains({ layers, chains, tailored }: Inspection): string[] {
  const longest = chains[0];
  if (!longest) return ['No layer has a factor that is known.'];
  const worst = chains.reduce((a, b) => (extremity(b) > extremity(a) ? b : a));
  return [
    about('Longest chain', longest, layers),
    ...(worst === longest ? [] : [about('Farthest from 1', worst, layers)]),
    ...(tailored && longest.correlation !== null ? [aboutCorrelation(longest.correlation, tailored)] : []),
  ];
}

function aboutCorrelation(correlation: number, { depth, slope }: NonNullable<Inspection['tailored']>): string {
  const asItIs = `Along the longest chain c = 0 becomes ${significant(correlation, 4)} (rectifiers and slopes as they are)`;
  const rectifiers = plural(depth, 'rectifier');
  return slope
    ? `${asItIs}; with the slope tailored to ${rectifiers}, ${significant(slope.negativeSlope, 4)}, it would become ${significant(slope.reached, 4)}. Exact for wide layers.`
    : `${asItIs}. No slope is tailored to ${rectifiers}: so few of them leave inputs less alike than η = 0.9 even with ReLU.`;
}

/** What the layers are, what the numbers say, and how far they can be trusted. */
function sentences({ rectifiersWithoutLayer }: MeasuredLayers, inspection: Inspection): string[] {
  const { layers } = inspection;
  const count = (test: (layer: InspectedLayer) => boolean) => layers.filter(test).length;
  const unknown = count(({ isKnown }) => !isKnown);
  const shifted = count(({ weightMeanShare, fanIn }) => weightMeanShare * fanIn > 1);
  const biased = count(({ biasVariance, weightVariance }) => biasVariance > weightVariance);
  const normed = count(({ hasBatchNorm }) => hasBatchNorm);
  const among = [
    `${count(({ rectifier }) => rectifier !== null)} before a rectifier`,
    ...(unknown > 0 ? [`${unknown} before something else that is not linear (?)`] : []),
    'the rest before sums, other layers or an output',
  ];
  const apart =
    rectifiersWithoutLayer > 0 ? `; ${plural(rectifiersWithoutLayer, 'rectifier')} more behind sums or pools` : '';
  return [
    `${plural(layers.length, 'layer')} with weights: ${among.join(', ')}${apart}. Chains end at sums, pools and gates.`,
    ...aboutChains(inspection),
    `Factors are exact in expectation for independent weights of mean 0, no biases and normal pre-activations of variance 1. Here the mean of the weights outweighs their spread in ${plural(shifted, 'layer')}, and biases outweigh inputs of size 1 in ${biased}.${normed > 0 ? ` Batch norm (${plural(normed, 'layer')}) is folded in as it is at inference.` : ''}`,
  ];
}

/** Adds `reluminate theory inspect` to `reluminate theory`. */
export function addInspectCommand(theory: Command): void {
  theory
    .command('inspect')
    .description('what each layer of a model does to signal and gradient, and what would make it critical')
    .argument('<model>', 'ONNX file')
    .option('--json', 'print JSON')
    .option('-o, --output <file>', 'draw the factors: .svg, .png or .html', parseFigureFile)
    .action(async (path: string, { json, output }: InspectFlags) => {
      await requireFigureFile(output);
      const measured = measureLayers(await readModelFile(path));
      if (measured.layers.length === 0)
        throw new Failure(
          'input',
          `theory inspect: the model must have a layer with constant weights, got none in '${path}'`,
        );
      const inspection = inspectLayers(measured.layers);
      process.stdout.write(
        json
          ? jsonText({ ...inspection, rectifiersWithoutLayer: measured.rectifiersWithoutLayer })
          : `${layerTable(inspection.layers)}\n${sentences(measured, inspection).join('\n')}\n`,
      );
      if (output !== undefined) {
        const { layerFactors } = await import('../figures/layer-factors.js');
        await writeFigure(output, layerFactors(inspection), 'Layer factors');
      }
    });
}
