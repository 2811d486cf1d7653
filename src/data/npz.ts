import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import yauzl from 'yauzl';
import { Failure } from '../failure.js';
import { type Chunks, firstLine, readFailure } from './bytes.js';
import { type ArrayReader, openNpy } from './npy.js';

/** One array of an NPZ archive: its name and where its bytes lie in the archive. */
export interface NpzMember {
  /** The name of the array, its file name without `.npy`. */
  readonly name: string;
  /** Offset of the member's data in the archive, in bytes. */
  readonly start: number;
  /** Length of the member's data in the archive, in bytes. */
  readonly compressedSize: number;
  /** Length of the member once inflated, in bytes, as the archive declares it. */
  readonly size: number;
  readonly deflated: boolean;
  /** CRC-32 of the member once inflated, as the archive declares it. */
  readonly crc32: number;
}

/** An NPZ archive: the path of a file, or its bytes. */
export type NpzSource = string | Uint8Array;

const pieceBytes = 2 ** 18;

/**
 * The arrays of a NumPy NPZ archive (a ZIP file of NPY members, stored or deflated), in the archive's order.
 * Members that are not named `*.npy` are left out. Throws a Failure (`input`) that starts with `label` for what is not
 * a ZIP archive, holds no array or two of the same name, or has encrypted members or compression other than deflate.
 *
 * @example
 * import { listNpz } from 'reluminate/data';
 * // One array, x = [1, -2] in float32, deflated.
 * const archive = Buffer.from(
 *   'UEsDBBQAAAAIAAAAIQC6SRMKTAAAAIgAAAAFAAAAeC5ucHmb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ck' +
 *     'FqQC+RpGOpo6CrUKFAAuBoYGewYGhgMAUEsBAhQDFAAAAAgAAAAhALpJEwpMAAAAiAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsFBgAAAAABAAEAMwAAAG8AAAAAAA==',
 *   'base64',
 * );
 * (await listNpz(archive, 'data.npz')).map(({ name, size, deflated }) => [name, size, deflated]); // => [["x", 136, true]]
 */
export async function listNpz(source: NpzSource, label: string): Promise<NpzMember[]> {
  const archive = typeof source === 'string' ? await openArchive(source, label) : bufferArchive(source);
  try {
    const members = await readDirectory(archive, label);
    const names = members.map(member => member.name);
    if (names.length === 0) throw new Failure('input', `${label}: the archive must hold .npy members, got none`);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      throw new Failure('input', `${label}: array names must differ, got '${twice}' more than once`);
    return members;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const message = firstLine((error as Error).message);
    throw new Failure('input', `${label}: must be a ZIP archive, got an error: ${message}`, { cause: error });
  } finally {
    await archive.close();
  }
}

/** Whether bytes begin as a ZIP archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/**
 * Opens one array of an NPZ archive for reading row by row; its bytes are inflated as they are asked for, so memory is
 * bounded by the rows whatever the archive declares. Throws the Failures of `openNpy`, and one where the last bytes show
 * that the checksum is wrong.
 *
 * @example
 * import { listNpz, openNpzMember } from 'reluminate/data';
 * // One array, x = [1, -2] in float32, deflated.
 * const archive = Buffer.from(
 *   'UEsDBBQAAAAIAAAAIQC6SRMKTAAAAIgAAAAFAAAAeC5ucHmb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ck' +
 *     'FqQC+RpGOpo6CrUKFAAuBoYGewYGhgMAUEsBAhQDFAAAAAgAAAAhALpJEwpMAAAAiAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsFBgAAAAABAAEAMwAAAG8AAAAAAA==',
 *   'base64',
 * );
 * const [member] = await listNpz(archive, 'data.npz');
 * const array = await openNpzMember(archive, member, 'data.npz');
 * [array.dims, [...(await array.rows(2)).data]]; // => [[2], [1, -2]]
 */
export function openNpzMember(source: NpzSource, member: NpzMember, label: string): Promise<ArrayReader> {
  const packed = memberBytes(source, member);
  const memberLabel = `${label}: ${member.name}`;
  const bytes = verified(member.deflated ? inflate(packed) : packed, member, memberLabel);
  return openNpy(bytes, memberLabel, member.size);
}

function memberBytes(source: NpzSource, { start, compressedSize }: NpzMember): Chunks {
  const end = start + compressedSize;
  if (typeof source !== 'string') return [source.subarray(start, end)];
  // The stream's `end` is inclusive, so it cannot say "no bytes".
  return compressedSize === 0 ? [] : createReadStream(source, { start, end: end - 1, highWaterMark: pieceBytes });
}

function inflate(bytes: Chunks): Readable {
  // The stream that is returned carries every error of the pipeline to its reader.
  return pipeline(Readable.from(bytes), createInflateRaw({ chunkSize: pieceBytes }), () => {});
}

/** The member's bytes up to its declared size, the last of them only if the checksum of all is right. */
async function* verified(chunks: Chunks, member: NpzMember, label: string): AsyncGenerator<Uint8Array> {
  let left = member.size;
  let checksum = 0;
  for await (const chunk of chunks) {
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    checksum = crc32(piece, checksum);
    if (left === 0 && checksum !== member.crc32)
      throw new Failure('input', `${label}: must have the checksum that the archive declares, got another`);
    yield piece;
    if (left === 0) return;
  }
}

async function readDirectory(archive: Archive, label: string): Promise<NpzMember[]> {
  const zip = await yauzl.fromRandomAccessReaderPromise(archive.reader, archive.size, { autoClose: false });
  const members: NpzMember[] = [];
  for await (const entry of zip.eachEntry()) {
    if (!entry.fileName.endsWith('.npy')) continue;
    const name = entry.fileName.slice(0, -'.npy'.length);
    if (!entry.canDecodeFileData())
      throw new Failure('input', `${label}: '${name}' must be stored or deflated, got another method or encryption`);
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const { compressedSize, uncompressedSize: size } = entry;
    const deflated = entry.isCompressed();
    members.push({ name, start: fileDataStart, compressedSize, size, deflated, crc32: entry.crc32 });
  }
  return members;
}

/** A ZIP archive as yauzl reads it, to be closed by whoever opened it. */
interface Archive {
  readonly reader: yauzl.RandomAccessReader;
  readonly size: number;
  close(): Promise<void>;
}

type ReadAt = (buffer: Buffer, offset: number, length: number, position: number) => Promise<number>;

/** Gives yauzl bytes at any position; a position past the end, as a hostile archive may declare, reads nothing. */
class ArchiveReader extends yauzl.RandomAccessReader {
  readonly #readAt: ReadAt;

  constructor(readAt: ReadAt) {
    super();
    this.#readAt = readAt;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#readAt(buffer, offset, length, position).then(
      bytesRead => callback(null, bytesRead),
      error => callback(error),
    );
  }
}

async function openArchive(path: string, label: string): Promise<Archive> {
  const file = await open(path).catch(error => Promise.reject(readFailure(error, label)));
  try {
    const { size } = await file.stat();
    return { reader: new ArchiveReader(fileReader(file, size)), size, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw readFailure(error, label);
  }
}

function bufferArchive(bytes: Uint8Array): Archive {
  const reader = new ArchiveReader(async (buffer, offset, length, position) => {
    const piece = bytes.subarray(position, position + length);
    buffer.set(piece, offset);
    return piece.length;
  });
  return { reader, size: bytes.length, close: async () => {} };
}

function fileReader(file: FileHandle, size: number): ReadAt {
  return async (buffer, offset, length, position) =>
    position >= size ? 0 : (await file.read(buffer, offset, length, position)).bytesRead;
}
