import { expect, test } from 'vitest';
import { openPage } from './page.js';

const script = `
import { prelu as definition, preluBackward as definitionBackward } from 'reluminate';
import { KernelMemory, prelu, preluBackward } from 'reluminate/kernels';

const special = [0, -0, 1, NaN, Infinity, -Infinity, 1e-45, -1e-45, 3.4e38, -3.4e38];
const length = 3001;
const x = Float32Array.from({ length }, (_, i) => (i < special.length ? special[i] : Math.sin(i * i)));
const dy = Float32Array.from({ length }, (_, i) => Math.cos(i * i));
const bits = values => new Uint32Array(values.slice().buffer).map((word, i) => (Number.isNaN(values[i]) ? 1 : word)).join();

globalThis.run = path => {
  try {
    return [0.25, 0, 1.5, -0.5].map(slope => {
      const { dx } = preluBackward(x, dy, slope, { path });
      const memory = new KernelMemory({ bytes: 4 * length + 64 });
      const held = memory.allocate(length);
      held.set(x);
      const forward = bits(definition(x, slope));
      return [
        bits(prelu(x, slope, { path })) === forward,
        bits(prelu(held, slope, { path, out: held })) === forward,
        bits(dx) === bits(definitionBackward(x, dy, slope).dx),
      ].join();
    });
  } catch (error) {
    return [error.message];
  }
};
`;

type Run = { run: (path: string | undefined) => string[] };
const allEqual = Array(4).fill('true,true,true');

/** What the page answers for each path. */
async function answers(name: string, policy: string | undefined): Promise<Record<string, string[]>> {
  const page = await openPage(name, script, policy === undefined ? {} : { policy });
  try {
    const found: Record<string, string[]> = {};
    for (const path of ['simd', 'js', undefined])
      found[path ?? 'itself'] = await page.tab.evaluate(at => (globalThis as unknown as Run).run(at), path);
    expect(page.errors).toEqual([]);
    return found;
  } finally {
    await page.close();
  }
}

test('in a browser every path is bit-equal to the definition', async () => {
  const found = await answers('browser-kernels', undefined);
  expect(found).toEqual({ simd: allEqual, js: allEqual, itself: allEqual });
}, 120_000);

test('where a page forbids WebAssembly the path by itself is JavaScript', async () => {
  const found = await answers('browser-kernels-policy', "script-src 'self'");
  expect(found).toEqual({
    simd: ["preluBackward: path must be 'js' or 'scalar' where WebAssembly SIMD is missing, got 'simd'"],
    js: allEqual,
    itself: allEqual,
  });
}, 120_000);
