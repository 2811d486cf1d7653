import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve, sep } from 'node:path';
import { Failure } from '../failure.js';
import { type Model, readModel, tensorsOf, writeModel } from './model.js';
import { checkTensor, externalReference, isExternal } from './tensor.js';

const reasons: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'a file without read permission',
  EISDIR: 'a folder',
  ENOTDIR: 'a path through a file that is not a folder',
};

/** What the operating system said of a path, in words. */
const reasonOf = (cause: unknown): string => {
  const { code, message } = cause as NodeJS.ErrnoException;
  return (code && reasons[code]) ?? message;
};

async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size >= 2 ** 31) throw new Failure('input', `${what}: the file must be smaller than 2 GiB, got ${size} bytes`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('input', `${what}: the file must be readable, got ${reasonOf(cause)}`, { cause });
  }
}

/** The file an external tensor lies in. It must stay inside the model's folder, links resolved, so that a model cannot read what is not its own. */
async function externalPath(modelPath: string, location: string): Promise<string> {
  const folder = await realpath(dirname(modelPath));
  const refuse = (got: string) =>
    new Failure('input', `read model '${modelPath}': external data must lie in the model's folder, got '${location}'${got}`);
  if (isAbsolute(location) || location.includes('\0')) throw refuse('');
  const inside = (path: string) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  const path = resolve(folder, location);
  if (!inside(path)) throw refuse('');
  try {
    const real = await realpath(path);
    if (!inside(real)) throw refuse(', a link that leaves it');
    return real;
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('input', `read model '${modelPath}': external data '${location}' must be readable, got ${reasonOf(cause)}`, { cause });
  }
}

/** Reads an ONNX file and the external data it names. Throws a Failure, naming the file, where either cannot be read. */
export async function readModelFile(path: string): Promise<Model> {
  const bytes = await readBytes(path, `read model '${path}'`);
  const model = readModel(bytes, { name: path });
  const external = new Map<string, Uint8Array>();
  for (const tensor of tensorsOf(model.proto)) {
    if (!isExternal(tensor)) continue;
    const { location } = externalReference(tensor);
    if (!external.has(location))
      external.set(
        location,
        await readBytes(await externalPath(path, location), `read model '${path}': external data '${location}'`),
      );
    checkTensor(tensor, external);
  }
  return { ...model, external };
}

/** Writes a file so that it is either whole or not there: beside its place first, then renamed. Throws a Failure naming the file where that fails. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const aside = resolve(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    await writeFile(aside, content);
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true });
    throw new Failure('input', `write '${path}': the place must be writable, got ${reasonOf(cause)}`, { cause });
  }
}

/** Writes an ONNX file, whole or not at all. External data is not copied: a model that has some must be written into its own folder. */
export const writeModelFile = (path: string, model: Model): Promise<void> => writeWhole(path, writeModel(model));
