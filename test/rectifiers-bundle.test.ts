import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, test } from 'vitest';

const entry = resolve('dist/index.js');

/** What a browser would load for these lines, minified, as one string. */
async function bundle(code: string): Promise<string> {
  const virtual = '\0entry.js';
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === virtual ? id : null),
        load: id => (id === virtual ? code : null),
      },
    ],
    build: { write: false, modulePreload: false, rolldownOptions: { input: virtual } },
  });
  const [output] = [result].flat();
  if (!output || !('output' in output)) throw new Error('bundle: vite must return its output');
  return output.output.map(file => (file.type === 'chunk' ? file.code : '')).join('');
}

const size = (code: string) => gzipSync(code, { level: 9 }).length;

test.runIf(existsSync(entry))('what a program imports is all it loads', async () => {
  const importing = (names: string) =>
    bundle(`import { ${names} } from ${JSON.stringify(entry)}; globalThis.keep = [${names}];`);

  const leaky = await importing('leakyRelu');
  expect(size(leaky)).toBeLessThan(2048);
  for (const word of ['onnxruntime', 'WebAssembly', 'Worker', 'philox', 'prelu', 'erfc'])
    expect(leaky, word).not.toContain(word);

  expect(size(await importing('relu, reluDerivative'))).toBeLessThan(2048);
  expect(size(await importing('prelu, preluBackward'))).toBeLessThan(3072);
  expect(size(await bundle(`import * as all from ${JSON.stringify(entry)}; globalThis.keep = all;`))).toBeLessThan(
    16384,
  );
});
