import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { version } from '../src/version.js';

const run = promisify(execFile);
const project = join('out', 'package');
const installed = join(project, 'node_modules', 'reluminate');
let manifest: { version: string; exports: Record<string, unknown>; dependencies: Record<string, string> };

/** Packs the built package and unpacks it where a project would have it; its dependencies are found in the checkout's own. */
beforeAll(async () => {
  await rm(project, { recursive: true, force: true });
  await mkdir(installed, { recursive: true });
  // Without scripts: packing would build again, under the feet of other tests.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project]);
  await run('tar', [
    'xzf',
    join(project, stdout.trim().split('\n').at(-1) as string),
    '-C',
    installed,
    '--strip-components=1',
  ]);
  manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
});

test('the version in the code is that of the package', () => {
  expect(version).toBe(manifest.version);
});

test('every subpath can be imported', async () => {
  const subpaths = Object.keys(manifest.exports).filter(path => !path.endsWith('.json'));
  const imports = subpaths.map(path => `import(${JSON.stringify(path.replace('.', 'reluminate'))})`);
  await writeFile(
    join(project, 'index.mjs'),
    `const modules = await Promise.all([${imports}]);\nconsole.log(JSON.stringify(modules.map(module => Object.keys(module).length)));\n`,
  );
  const { stdout } = await run(process.execPath, [join(project, 'index.mjs')]);
  const sizes = JSON.parse(stdout) as number[];
  expect(sizes).toHaveLength(subpaths.length);
  expect(sizes.every(size => size > 0)).toBe(true);
});

test('the command runs and says its version', async () => {
  const { stdout } = await run(process.execPath, [join(installed, 'dist', 'cli', 'main.js'), '--version']);
  expect(stdout.trim()).toBe(version);
});

test('nothing of the tests is shipped, and everything that is imported is a dependency', async () => {
  const { stdout } = await run('find', [installed, '-type', 'f']);
  const files = stdout.trim().split('\n');
  expect(files.filter(file => /\.test\.|sample-(report|network)\./.test(file))).toEqual([]);
  const code = await Promise.all(files.filter(file => file.endsWith('.js')).map(file => readFile(file, 'utf8')));
  const imported = code.flatMap(text =>
    [...text.matchAll(/(?:^|[;}\s])(?:from|import)\s*\(?\s*'([^'.#][^']*)'/g)].map(match => match[1] as string),
  );
  const packages = imported
    .filter(name => !name.startsWith('node:') && !name.startsWith('reluminate'))
    .map(name =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  const declared = [...Object.keys(manifest.dependencies), 'onnxruntime-web'];
  expect([...new Set(packages)].filter(name => !declared.includes(name))).toEqual([]);
});
