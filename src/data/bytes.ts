import { Failure } from '../failure.js';

/** Bytes in order, in pieces of any size: a Node stream, or an array of buffers. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A stream of bytes from which exact amounts are taken. */
export interface ByteReader {
  /** The next `count` bytes in a buffer of their own (so that any typed array may view them), fewer only at the end. */
  read(count: number): Promise<Uint8Array>;
  /** Ends the stream and frees what it holds. */
  close(): Promise<void>;
}

/** Takes exact amounts of bytes from a stream; what the stream throws becomes a Failure that starts with `label`. */
export function byteReader(chunks: Chunks, label: string): ByteReader {
  const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  let position = 0;

  async function advance(): Promise<boolean> {
    try {
      const next = await iterator.next();
      if (next.done) return false;
      chunk = next.value;
      position = 0;
      return true;
    } catch (error) {
      throw readFailure(error, label);
    }
  }

  return {
    async read(count) {
      const bytes = allocate(count, label);
      let filled = 0;
      while (filled < count) {
        if (position === chunk.length) {
          if (await advance()) continue;
          break;
        }
        const piece = chunk.subarray(position, position + count - filled);
        bytes.set(piece, filled);
        filled += piece.length;
        position += piece.length;
      }
      return bytes.subarray(0, filled);
    },
    async close() {
      chunk = new Uint8Array(0);
      position = 0;
      await iterator.return?.();
    },
  };
}

/** One sentence for what can go wrong when a file is opened or read; a Failure passes through unchanged. */
export function readFailure(error: unknown, label: string): Failure {
  if (error instanceof Failure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new Failure('input', `${label}: file must exist, got nothing at that path`, options);
  if (code === 'EACCES' || code === 'EPERM')
    return new Failure('input', `${label}: file must be readable, got permission denied`, options);
  return new Failure('input', `${label}: must be readable to its end, got ${firstLine(message)}`, options);
}

/** The first line of a library's error message, so that a Failure stays one sentence. */
export function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.trim();
}

function allocate(count: number, label: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(count);
  } catch (cause) {
    throw new Failure('input', `${label}: a batch must fit in memory, got ${count} bytes`, { cause });
  }
}
