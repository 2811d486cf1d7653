import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Failure } from '../../failure.js';

const { resolve } = createRequire(import.meta.url);

/** A JSON file of an installed package, read when it is asked for: `mnist/src/digits/0.json`. Throws a Failure where it is not installed. */
export async function readPackageJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(resolve(path), 'utf8'));
  } catch (cause) {
    const { message } = cause as Error;
    throw new Failure(
      'input',
      `dataset: the package '${path.split('/')[0]}' must be installed and whole, got ${message.split('\n', 1)[0]}`,
      { cause },
    );
  }
}
