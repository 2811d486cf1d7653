import { type ArrayFile, npyStream, npzArrays } from './arrays.js';
import { type Chunks, readFailure } from './bytes.js';
import { isZip } from './npz.js';

/** The arrays in a stream: NPZ, which is read from its end, is held in memory; NPY is read as it comes. */
export async function streamArrays(chunks: Chunks, label: string): Promise<ArrayFile[]> {
  const { start, all } = await peek(chunks, label);
  return isZip(start) ? npzArrays(await collect(all, label), label) : [await npyStream(all, label)];
}

/** The first two bytes or more of a stream, and the whole of it. */
async function peek(chunks: Chunks, label: string): Promise<{ start: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = iterate(chunks);
  const first: Uint8Array[] = [];
  let start = Buffer.alloc(0);
  try {
    while (start.length < 2) {
      const { done, value } = await iterator.next();
      if (done) break;
      first.push(value);
      start = Buffer.concat(first);
    }
  } catch (error) {
    throw readFailure(error, label);
  }
  return { start, all: resume(start, iterator) };
}

async function* iterate(chunks: Chunks): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* resume(start: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield start;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>, label: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of chunks) pieces.push(piece);
    return Buffer.concat(pieces);
  } catch (error) {
    throw readFailure(error, label);
  }
}
