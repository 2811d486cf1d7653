/* What training steps are meant to reach, and whether a run has. */
import { quantile, spread } from './statistics.js';

/** How many times as many steps as whom. */
const rivals = {
  mlp: { 'TF.js wasm': 8, 'TF.js wasm, own gradients': 8, 'jax-js wasm, jit': 1.8 },
  cnn: { 'TF.js wasm': 3, 'jax-js wasm, jit': 5 },
};

const ratios = (above, below) => above.map((time, round) => time / below[round]);

/** The aims of one network on one thread, with the ratios of all rounds. */
function aimsOf({ name, key, times }) {
  const of = (rectifier, who = 'Reluminate') => times.get(rectifier).get(who);
  return [
    ...Object.entries(rivals[key]).flatMap(([who, atLeast]) =>
      ['ReLU', 'PReLU'].map(rectifier => ({
        what: `${name}, ${rectifier}: steps, times ${who}`,
        reached: ratios(of(rectifier, who), of(rectifier)),
        atLeast,
      })),
    ),
    { what: `${name}: time of a step, PReLU / ReLU`, reached: ratios(of('PReLU'), of('ReLU')), atMost: 1.1 },
  ];
}

/** Prints a line for each aim; `measured` has each network with its `times` by rectifier and contestant. A star says that an aim is missed. */
export function printAims(measured) {
  console.log('\naims and what was reached: median (middle half); * is missed');
  for (const { what, reached, atLeast = -Infinity, atMost = Infinity } of measured.flatMap(aimsOf)) {
    const median = quantile(reached, 0.5);
    const bound = atMost === Infinity ? `>= ${atLeast}` : `<= ${atMost}`;
    console.log(
      `  ${what.padEnd(64)} ${bound.padEnd(8)} ${spread(reached, 2)}${median < atLeast || median > atMost ? ' *' : ''}`,
    );
  }
}
