import { access, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../failure.js';
import { targetOf, writeModelFile } from '../onnx/file.js';
import { embedExternal, type Model } from '../onnx/model.js';

/** Whether two paths lead to the same file that is there. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = [await stat(a).catch(() => null), await stat(b).catch(() => null)];
  return first !== null && second !== null && first.dev === second.dev && first.ino === second.ino;
}

/** Throws a Failure where a result could not be written later, so that no long run ends in vain. */
export async function requireWritable(flag: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  const isSpecial = found !== null && !found.isFile() && !found.isDirectory();
  const target = await targetOf(path).catch(() => null);
  const place = dirname(target ?? path);
  const folder = target === null ? null : await stat(place).catch(() => null);
  const isWritable = await access(isSpecial ? path : place, constants.W_OK).then(
    () => folder?.isDirectory(),
    () => false,
  );
  if (path === '' || !isWritable || found?.isDirectory())
    throw new Failure('usage', `${flag}: the path must be a file in a writable folder, got '${path}'`);
}

/** The same, and throws a Failure where the result would be written over the model. */
export async function requireApart(flag: string, path: string, model: string): Promise<void> {
  if (await isSameFile(path, model))
    throw new Failure('usage', `${flag}: the path must not be the model itself, got '${path}'`);
  await requireWritable(flag, path);
}

/** Makes a folder for results where there is none. Throws a Failure where none can be made, or nothing be written to it. */
export async function requireFolder(flag: string, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (cause) {
    throw new Failure('usage', `${flag}: the path must be a folder that can be written to, got '${path}'`, { cause });
  }
}

/** Writes a model that was made from another; weights that lie beside that one go into the file where it comes to lie in another folder, links followed. */
export async function writeModelFrom(original: string, output: string, model: Model): Promise<void> {
  const place = targetOf(output).then(target => realpath(dirname(target)));
  // A place that is gone by now is for the writing to refuse.
  const isBeside = (await place.catch(() => null)) === (await realpath(dirname(original)).catch(() => null));
  await writeModelFile(output, isBeside ? model : embedExternal(model));
}
