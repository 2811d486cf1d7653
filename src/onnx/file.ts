import { open, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve, sep } from 'node:path';
import { Failure } from '../failure.js';
import { type Model, readModel, tensorsOf, writeModel } from './model.js';
import { checkTensor, externalReference, isExternal } from './tensor.js';

const reasons: Record<string, string> = {
  ELOOP: 'a link that leads to itself',
  ENAMETOOLONG: 'a name that is too long',
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
    const found = await stat(path);
    // A pipe is read to its end; a device such as /dev/zero may have none.
    if (found.isCharacterDevice() || found.isBlockDevice())
      throw new Failure('input', `${what}: the file must be a file, got a device`);
    const { size } = found;
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
    new Failure(
      'input',
      `read model '${modelPath}': external data must lie in the model's folder, got '${location}'${got}`,
    );
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
    throw new Failure(
      'input',
      `read model '${modelPath}': external data '${location}' must be readable, got ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Reads an ONNX file and the external data it names. Throws a Failure, naming the file, where either cannot be read.
 *
 * @example
 * import { mkdtemp, rm, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { graph, modelProto, node, writeModel } from 'reluminate/onnx';
 * import { readModelFile } from 'reluminate/onnx/file';
 * const folder = await mkdtemp(`${tmpdir()}/model-`);
 * const proto = modelProto(graph({ nodes: [node('Relu', ['x'], ['y'])] }));
 * await writeFile(`${folder}/relu.onnx`, writeModel({ name: 'relu', proto, external: new Map(), bytes: 0 }));
 * const model = await readModelFile(`${folder}/relu.onnx`);
 * model.proto.graph.node[0].opType; // => "Relu"
 * await rm(folder, { recursive: true });
 */
export async function readModelFile(path: string): Promise<Model> {
  const bytes = await readBytes(path, `read model '${path}'`);
  const model = readModel(bytes, { name: path });
  const external = new Map<string, Uint8Array>();
  // A file may be named in many ways (`w`, `./w`, `a/../w`), and is read once.
  const files = new Map<string, Uint8Array>();
  const readOnce = async (location: string): Promise<Uint8Array> => {
    const file = await externalPath(path, location);
    const known = files.get(file) ?? (await readBytes(file, `read model '${path}': external data '${location}'`));
    files.set(file, known);
    return known;
  };
  for (const tensor of tensorsOf(model.proto)) {
    if (!isExternal(tensor)) continue;
    const { location } = externalReference(tensor);
    if (!external.has(location)) external.set(location, await readOnce(location));
    checkTensor(tensor, external);
  }
  return { ...model, external };
}

/** Whether there is something at the path that takes what is written to it and must stay, such as a pipe or /dev/null. */
const isSpecial = (path: string): Promise<boolean> =>
  stat(path).then(
    found => !found.isFile() && !found.isDirectory(),
    () => false,
  );

/**
 * Where a path leads through links, also where there is nothing yet.
 *
 * @example
 * import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { targetOf } from 'reluminate/onnx/file';
 * const folder = await realpath(await mkdtemp(`${tmpdir()}/link-`));
 * await symlink('not-there-yet.onnx', `${folder}/latest.onnx`);
 * await targetOf(`${folder}/latest.onnx`) === `${folder}/not-there-yet.onnx`; // => true
 * await rm(folder, { recursive: true });
 */
export async function targetOf(path: string): Promise<string> {
  const link = await readlink(path).catch(() => null);
  if (link === null) return path;
  try {
    return await realpath(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return targetOf(resolve(dirname(path), link));
  }
}

/** Writes all of a new file and waits until it lies on the disk, so that a rename after it cannot put half of it in place. */
async function writeThrough(path: string, content: string | Uint8Array, mode: number | undefined): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Writes a file so that it is either whole or not there: beside its place first, then renamed. A link is followed, and a file that was there keeps its permissions. Throws
 * a Failure naming the file where that fails.
 *
 * @example
 * import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { writeWhole } from 'reluminate/onnx/file';
 * const folder = await mkdtemp(`${tmpdir()}/report-`);
 * await writeWhole(`${folder}/report.json`, '{}');
 * await readFile(`${folder}/report.json`, 'utf8'); // => "{}"
 * await readdir(folder); // => ["report.json"]
 * await rm(folder, { recursive: true });
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  let aside: string | null = null;
  try {
    if (await isSpecial(path)) return await writeFile(path, content);
    const target = await targetOf(path);
    const mode = await stat(target).then(
      found => found.mode & 0o7777,
      () => undefined,
    );
    aside = resolve(dirname(target), `.${basename(target)}.${process.pid}.part`);
    await writeThrough(aside, content, mode);
    await rename(aside, target);
  } catch (cause) {
    if (aside !== null) await rm(aside, { force: true }).catch(() => undefined);
    throw new Failure('input', `write '${path}': the place must be writable, got ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Writes an ONNX file, whole or not at all. External data is not copied: a model that has some must be written into its own folder.
 *
 * @example
 * import { mkdtemp, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { graph, modelProto, node } from 'reluminate/onnx';
 * import { readModelFile, writeModelFile } from 'reluminate/onnx/file';
 * const folder = await mkdtemp(`${tmpdir()}/model-`);
 * const proto = modelProto(graph({ nodes: [node('Relu', ['x'], ['y'])] }));
 * await writeModelFile(`${folder}/relu.onnx`, { name: 'relu', proto, external: new Map(), bytes: 0 });
 * (await readModelFile(`${folder}/relu.onnx`)).proto.graph.node[0].opType; // => "Relu"
 * await rm(folder, { recursive: true });
 */
export const writeModelFile = (path: string, model: Model): Promise<void> => writeWhole(path, writeModel(model));
