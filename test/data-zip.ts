import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate: boolean;
  /** Deflated bytes to write instead of the right ones. */
  readonly packed?: Uint8Array;
  /** Compression method to declare instead of the right one. */
  readonly method?: number;
  /** General purpose flags, such as 1 for encryption. */
  readonly flags?: number;
  /** Whether sizes and offset go into a ZIP64 extra field, as NumPy writes them. */
  readonly zip64?: boolean;
}

/** A ZIP archive, right or (see `ZipEntry`) wrong in one way; with a ZIP64 end record where an entry is ZIP64. */
export function zipFile(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const packed = entry.packed ?? (entry.deflate ? deflateRawSync(entry.data) : entry.data);
    const local = Buffer.concat([...fields(entry, packed, null), packed]);
    directory.push(...fields(entry, packed, offset));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const zip64 = entries.some(entry => entry.zip64) ? zip64End(entries.length, central.length, offset) : [];
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, ...zip64, end]);
}

/** The local header of an entry, or its record in the central directory where its offset is given. */
function fields(entry: ZipEntry, packed: Uint8Array, offset: number | null): Buffer[] {
  const name = Buffer.from(entry.name);
  const extra = entry.zip64 ? Buffer.alloc(offset === null ? 20 : 28) : Buffer.alloc(0);
  if (entry.zip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(extra.length - 4, 2);
    extra.writeBigUInt64LE(BigInt(entry.data.length), 4);
    extra.writeBigUInt64LE(BigInt(packed.length), 12);
    if (offset !== null) extra.writeBigUInt64LE(BigInt(offset), 20);
  }
  const common = Buffer.alloc(26);
  common.writeUInt16LE(entry.zip64 ? 45 : 20, 0);
  common.writeUInt16LE(entry.flags ?? 0, 2);
  common.writeUInt16LE(entry.method ?? (entry.deflate ? 8 : 0), 4);
  common.writeUInt32LE(crc32(entry.data), 10);
  common.writeUInt32LE(entry.zip64 ? 0xffffffff : packed.length, 14);
  common.writeUInt32LE(entry.zip64 ? 0xffffffff : entry.data.length, 18);
  common.writeUInt16LE(name.length, 22);
  common.writeUInt16LE(extra.length, 24);
  if (offset === null) return [Buffer.from('PK\x03\x04'), common, name, extra];
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(entry.zip64 ? 0xffffffff : offset, 10);
  return [Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, rest, name, extra];
}

function zip64End(count: number, centralLength: number, centralOffset: number): Buffer[] {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(centralLength), 40);
  record.writeBigUInt64LE(BigInt(centralOffset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(centralOffset + centralLength), 8);
  locator.writeUInt32LE(1, 16);
  return [record, locator];
}
