/* What the kernels are meant to reach, and whether a run has: one line for each aim, a median for each size. */
import { quantile } from './statistics.js';

const ratios = (above, below) => above?.map((time, round) => time / below[round]);

/** `of` takes the times of all rounds by name and the speed-ups by threads, of one size, and gives the ratios of all rounds, if it was measured. */
const faster = (ours, theirs) => ({
  label: `${ours}, times faster than ${theirs}`,
  of: ({ times }) => ratios(times.get(`backward, ${theirs}`), times.get(ours)),
});
const threaded = name => ({
  label: `${name}, two threads against one`,
  atLeast: 1.7,
  of: ({ speedups }) => speedups?.get(name),
});

const aims = [
  {
    label: 'forward, times of a copy',
    atMost: 1.6,
    of: ({ times }) => ratios(times.get('forward'), times.get('copy')),
  },
  { ...faster('backward', 'TF.js wasm'), atLeast: 30 },
  { ...faster('backward, in place', 'TF.js wasm'), atLeast: 30 },
  { ...faster('backward', 'jax-js wasm, jit'), atLeast: 5 },
  { ...faster('backward, in place', 'jax-js wasm, jit'), atLeast: 5 },
  {
    label: 'bias fused, times faster than separate',
    atLeast: 2,
    of: ({ times }) => ratios(times.get('bias separate'), times.get('bias fused')),
  },
  threaded('forward'),
  threaded('backward'),
  threaded('RReLU in training'),
];

/** The lines; `measured` has for each size its name, times and speed-ups. A star says that an aim is missed. */
export function aimLines(measured) {
  const row = (label, aim, cells) =>
    `  ${label.padEnd(56)} ${aim.padEnd(8)}${cells.map(cell => cell.padStart(9)).join('')}`;
  const cellOf = ({ atMost = Infinity, atLeast = -Infinity, of }, size) => {
    const found = of(size);
    if (!found) return '';
    const median = quantile(found, 0.5);
    return `${median.toFixed(2)}${median > atMost || median < atLeast ? '*' : ' '}`;
  };
  return [
    'aims and what was reached (median); * is missed',
    row(
      '',
      'aim',
      measured.map(({ name }) => `${name} `),
    ),
    ...aims.map(aim => {
      const bound = aim.atMost === undefined ? `>= ${aim.atLeast}` : `<= ${aim.atMost}`;
      return row(
        aim.label,
        bound,
        measured.map(size => cellOf(aim, size)),
      );
    }),
  ].map(line => line.trimEnd());
}
