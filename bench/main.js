/* Runs one benchmark by name: `npm run bench -- audit`. Benchmarks measure ratios against rivals run in turns, since absolute times mean little on a shared machine. */
import { readdirSync } from 'node:fs';

const benches = readdirSync(new URL('.', import.meta.url))
  .filter(name => name.endsWith('.bench.js'))
  .map(name => name.slice(0, -'.bench.js'.length));
const [name, ...flags] = process.argv.slice(2);
if (!benches.includes(name ?? '')) {
  process.stderr.write(`bench: the benchmark must be one of ${benches.join(', ')}, got '${name ?? ''}'\n`);
  process.exitCode = 2;
} else {
  const { run } = await import(`./${name}.bench.js`);
  await run(flags);
}
