import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Failure } from '../failure.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import { readFailure } from './bytes.js';
import { isImagePath } from './images.js';
import { quoteNames } from './match.js';
import { isZip } from './npz.js';

/** A path of the command line, and what it is. */
export interface Item {
  readonly kind: 'folder' | 'picture' | 'npy' | 'npz' | 'stream';
  readonly path: string;
  readonly label: string;
  /** The input that the path is said to feed; '' where none is. */
  readonly input: string;
  /** Bytes of a file. */
  readonly size: number;
}

/**
 * Finds out what a path of `--data` is, by its extension or, where that says nothing, its first bytes.
 * Throws a Failure (`input`) that starts with the path for what does not exist, cannot be read or is of no known kind.
 */
export async function identify(argument: string, specs: readonly InputSpec[]): Promise<Item> {
  const label = `--data ${argument}`;
  if (argument === '-') return { kind: 'stream', path: '-', label, input: '', size: 0 };
  const [input, path] = await splitPair(argument, specs, label);
  const stats = await stat(path).catch(error => Promise.reject(readFailure(error, label)));
  return { kind: await kindOf(path, stats, label), path, label, input, size: stats.size };
}

/** Splits `name=path` where the name is an input's; a file whose own name holds '=' is a path like any other. */
async function splitPair(argument: string, specs: readonly InputSpec[], label: string): Promise<[string, string]> {
  const owner = specs.find(({ name }) => argument.startsWith(`${name}=`));
  if (owner !== undefined) return [owner.name, argument.slice(owner.name.length + 1)];
  const pair = /^([^=/\\]+)=/.exec(argument);
  if (pair === null || (await exists(argument))) return ['', argument];
  throw new Failure(
    'input',
    `${label}: must name one of the inputs ${quoteNames(specs.map(spec => spec.name))}, got '${pair[1]}'`,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function kindOf(path: string, stats: Stats, label: string): Promise<Item['kind']> {
  if (stats.isDirectory()) return 'folder';
  // A pipe such as <(command) gives its bytes once.
  if (!stats.isFile()) return 'stream';
  if (isImagePath(path)) return 'picture';
  if (/\.npy$/i.test(path)) return 'npy';
  if (/\.npz$/i.test(path)) return 'npz';
  return sniff(await firstBytes(path, label), label);
}

async function firstBytes(path: string, label: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readFailure(error, label);
  }
}

function sniff(bytes: Buffer, label: string): 'npy' | 'npz' | 'picture' {
  const start = bytes.toString('latin1');
  if (start.startsWith('\x93NUMPY')) return 'npy';
  if (isZip(bytes)) return 'npz';
  if (/^(\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|RIFF.{4}WEBP)/s.test(start)) return 'picture';
  throw new Failure('input', `${label}: must be a folder, a picture, an NPY or an NPZ file, got another kind of file`);
}
