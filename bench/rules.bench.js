/*
 * How long the gradient that a rule writes takes beside other ways to write it. Each way is a graph of its own that ONNX Runtime runs on one
 * thread; in every round each has its turn, and what is printed is the time of a way over that of the rule in the same round: median
 * (middle half). All ways of a case are checked to give the same numbers first.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  copyModel,
  graph,
  indexGraph,
  mainGraph,
  modelProto,
  node,
  shapesOf,
  valueInfo,
  writeModel,
} from '../dist/onnx/index.js';
import { createRandom } from '../dist/random.js';
import { contextFor } from '../dist/train/rule-context.js';
import { rules } from '../dist/train/rules/index.js';
import { createWriter } from '../dist/train/writer.js';
import { cases } from './rule-candidates.js';
import { quantile, spread } from './statistics.js';

const emptyModel = inputs => ({
  name: 'bench',
  proto: modelProto(graph({ nodes: [], inputs: Object.entries(inputs).map(([name, dims]) => valueInfo(name, dims)) })),
  external: new Map(),
  bytes: 0,
});

/** The operator of a case with the nodes that its rule writes for the gradients of `wrt`; `dy` is that of its output. */
async function byRule(model, { opType, operands, results = ['y'], attributes, wrt }, forward) {
  mainGraph(model).node.push(node(opType, operands, results, attributes));
  const { input } = mainGraph(model);
  const fixed = Object.fromEntries(
    input.map(({ name, type }) => [name, type.value.value.shape.dim.map(({ value }) => Number(value.value))]),
  );
  const shapes = await shapesOf(copyModel(model), fixed, [...operands, ...results]);
  const [forwardNode] = mainGraph(model).node;
  const context = contextFor(forwardNode, createWriter(model, 'rule'), shapes, () => null, new Set(wrt));
  const gradients = rules
    .get(opType)(context, ['dy'])
    .filter(name => name != null);
  return forward ? ['y', ...gradients] : gradients;
}

/** Leaves only the nodes that the outputs need. */
function prune(model, outputs) {
  const main = mainGraph(model);
  const needed = new Set(outputs);
  const kept = indexGraph(model)
    .nodes.toReversed()
    .filter(each => {
      const isNeeded = each.output.some(name => needed.has(name));
      if (isNeeded) for (const name of each.input) needed.add(name);
      return isNeeded;
    });
  main.node = kept.reverse();
  main.initializer = main.initializer.filter(({ name }) => needed.has(name));
  main.output = outputs.map(name => valueInfo(name));
}

/** The largest difference between two runs' outputs, in parts of the largest number of each. */
function difference(expected, got) {
  const largest = values => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Math.max(
    ...expected.map((values, at) => largest(values.map((value, i) => value - got[at][i])) / largest(values)),
  );
}

async function measure(title, each, rounds) {
  const random = createRandom(1);
  const draw = dims => Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  const feeds = Object.fromEntries(
    Object.entries(each.inputs).map(([name, dims]) => [name, new Tensor('float32', draw(dims), dims)]),
  );
  const ways = { rule: model => byRule(model, each, each.forward) };
  for (const [name, write] of Object.entries(each.ways)) ways[name] = async model => write(createWriter(model, 'way'));
  const runs = [];
  for (const [name, write] of Object.entries(ways)) {
    const model = emptyModel(each.inputs);
    const outputs = await write(model);
    prune(model, outputs);
    const session = await InferenceSession.create(writeModel(model), { intraOpNumThreads: 1, logSeverityLevel: 4 });
    const used = Object.fromEntries(session.inputNames.map(input => [input, feeds[input]]));
    // Outputs are written where those of the first run lie, as in a training step.
    const fetches = await session.run(used);
    runs.push({
      name,
      session,
      used,
      fetches,
      times: [],
      values: outputs.map(output => Array.from(fetches[output].data)),
    });
  }
  for (const { name, values } of runs)
    if (!(difference(runs[0].values, values) < 1e-4))
      throw new Error(`bench: ${title}: ${name} must give what the rule gives`);
  for (let round = 0; round < rounds; round++)
    for (const run of round % 2 === 0 ? runs : runs.toReversed()) {
      const before = performance.now();
      await run.session.run(run.used, run.fetches);
      run.times.push(performance.now() - before);
    }
  const warm = runs.map(run => run.times.slice(Math.ceil(rounds / 5)));
  console.log(`\n${title}: ${quantile(warm[0], 0.5).toFixed(3)} ms`);
  for (const [at, { name, session }] of runs.entries()) {
    if (at > 0)
      console.log(
        `  ${name.padEnd(36)} ${spread(
          warm[at].map((time, round) => time / warm[0][round]),
          2,
        )}`,
      );
    await session.release();
  }
}

export async function run(flags) {
  const chosen = Object.entries(cases).filter(
    ([title]) => flags.length === 0 || flags.some(flag => title.includes(flag)),
  );
  console.log('time of other ways / time of the rule (in milliseconds), one thread: median (middle half)');
  for (const [title, each] of chosen) await measure(title, each, 60);
}
