import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** One example: the code, and where it stands. */
interface Example {
  readonly where: string;
  readonly code: string;
}

const sources = async (folder: string, ending: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter(name => name.endsWith(ending)).map(name => join(folder, name));

/** The `@example` blocks of docstrings: everything up to the end of the comment or the next tag. */
function examplesInSource(path: string, text: string): Example[] {
  return [...text.matchAll(/^ \* @example\n((?: \*(?! @).*\n)*?) \*(?:\/| @)/gm)].map(match => ({
    where: `${path}:${text.slice(0, match.index).split('\n').length}`,
    code: (match[1] as string).replace(/^ \* ?/gm, ''),
  }));
}

/** Fenced ```js blocks of pages that state what they give. */
function examplesInPage(path: string, text: string): Example[] {
  return [...text.matchAll(/^```js\n([\s\S]*?)^```/gm)].flatMap(match =>
    (match[1] as string).includes('// =>')
      ? [{ where: `${path}:${text.slice(0, match.index).split('\n').length}`, code: match[1] as string }]
      : [],
  );
}

/** Turns each line `expression; // => value` into a check that is counted. */
const checked = ({ code }: Example): string =>
  code.replace(/^(.*); \/\/ => (.*)$/gm, (_, expression, value) => `checks.check(${expression}, ${value});`);

async function allExamples(): Promise<Example[]> {
  const code = (await sources('src', '.ts')).filter(path => !path.endsWith('.test.ts'));
  const pages = [...(await sources('docs', '.md')), 'README.md'];
  const read = async (paths: string[], extract: (path: string, text: string) => Example[]) =>
    (await Promise.all(paths.map(async path => extract(path, await readFile(path, 'utf8'))))).flat();
  return [...(await read(code, examplesInSource)), ...(await read(pages, examplesInPage))];
}

test('every example in docstrings and docs runs against the built package and gives what it says', async () => {
  const examples = await allExamples();
  const folder = join('out', 'examples');
  await mkdir(folder, { recursive: true });
  const modules = await Promise.all(
    examples.map(async (example, index) => {
      const file = `example-${index}.mjs`;
      const prelude = "import { checker } from '../../test/example-check.js';\nconst checks = checker();\n";
      await writeFile(join(folder, file), `${prelude}${checked(example)}\nexport default checks.count();\n`);
      return file;
    }),
  );
  const runner = `const results = {};
for (const file of ${JSON.stringify(modules)}) {
  try { results[file] = (await import('./' + file)).default; } catch (error) { results[file] = String(error.message ?? error); }
}
process.stdout.write(JSON.stringify(results));`;
  await writeFile(join(folder, 'run.mjs'), runner);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'run.mjs')], { maxBuffer: 2 ** 24 });
  const results = JSON.parse(stdout) as Record<string, number | string>;
  const failures = examples.flatMap(({ where }, index) => {
    const result = results[modules[index] as string];
    return typeof result === 'number' && result > 0 ? [] : [`${where}: ${result === 0 ? 'checks nothing' : result}`];
  });
  expect(failures).toEqual([]);
  expect(examples.length).toBeGreaterThan(5);
});

/** Functions that entry points of the package export, and those of them whose docstring has an example, by any file they may be in. */
async function documented(entry: string): Promise<{ all: string[]; without: string[] }> {
  const { exports } = JSON.parse(await readFile('package.json', 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  const module = (await import(pathToFileURL(resolve(exports[entry]!.default)).href)) as Record<string, unknown>;
  const texts = await Promise.all(
    (await sources('src', '.ts')).filter(path => !path.endsWith('.test.ts')).map(path => readFile(path, 'utf8')),
  );
  const all = Object.keys(module).filter(name => typeof module[name] === 'function');
  const hasExample = (name: string) => {
    const declaration = new RegExp(
      `/\\*\\*((?:(?!\\*/)[^])*)\\*/\\nexport (?:async )?(?:const|function\\*?|class) ${name}\\b`,
    );
    return texts.some(text => declaration.exec(text)?.[1]?.includes('@example'));
  };
  return { all, without: all.filter(name => !hasExample(name)) };
}

test.each([
  '.',
  './kernels',
  './figures',
  './audit',
  './data',
  './report',
  './train',
  './datasets',
  './theory',
  './heal',
  './onnx',
  './onnx/file',
])('every function of %s has an example', async entry => {
  const { all, without } = await documented(entry);
  expect(all.length).toBeGreaterThan(3);
  expect(without).toEqual([]);
});
