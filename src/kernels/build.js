/*
 * Compiles assembly/ to WebAssembly, once for a memory of its own and once for one shared between threads, and writes both as
 * base64 into generated/binaries.ts. Run before tsc: `node src/kernels/build.js`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const source = fileURLToPath(new URL('assembly/index.ts', import.meta.url));
const folder = new URL('generated/', import.meta.url);
const common = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--enable', 'simd', '--use', 'abort='];

/** The binary that asc makes of the kernels with the given flags. */
async function compile(flags) {
  let binary;
  const { error, stderr } = await asc.main([source, '-o', 'kernels.wasm', ...common, ...flags], {
    writeFile: (_, contents) => {
      binary = contents;
    },
  });
  if (error) throw new Error(`asc: ${error.message}\n${stderr.toString()}`);
  return Buffer.from(binary).toString('base64');
}

const own = await compile(['--initialMemory', '1']);
const shared = await compile([
  '--initialMemory',
  '1',
  '--maximumMemory',
  '65536',
  '--sharedMemory',
  '--enable',
  'threads',
]);
await mkdir(folder, { recursive: true });
await writeFile(
  new URL('binaries.ts', folder),
  `/** Made by src/kernels/build.js of src/kernels/assembly: for a memory of its own. */\nexport const own =\n  '${own}';\n\n/** The same for a memory shared between threads. */\nexport const shared =\n  '${shared}';\n`,
);
