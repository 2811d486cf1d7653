import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zipFile } from '../../test/data-zip.js';
import { Failure } from '../failure.js';
import { writeNpy } from './npy.js';
import { listNpz, openNpzMember } from './npz.js';

const floats = (...values: number[]) =>
  writeNpy({ type: 'float32', dims: [values.length], data: Float32Array.from(values) });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npz-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${Math.random()}.npz`);
  await writeFile(path, bytes);
  return path;
}

/** Files of the test folder that this process holds open, where the system tells. */
async function openFiles(): Promise<string[]> {
  const links = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(links.map(link => readlink(`/proc/self/fd/${link}`).catch(() => '')));
  return targets.filter(target => target.startsWith(folder));
}

describe('listNpz and openNpzMember', () => {
  const archive = zipFile([
    { name: 'a.npy', data: floats(1, 2, 3), deflate: false },
    { name: 'readme.txt', data: Buffer.from('hello'), deflate: false },
    { name: 'sub/b.npy', data: floats(4, 5), deflate: true },
  ]);

  test.each(['file', 'bytes'])('read stored and deflated members from a %s', async from => {
    const source = from === 'file' ? await written(archive) : archive;
    const members = await listNpz(source, 'x.npz');
    expect(members.map(({ name, deflated }) => [name, deflated])).toEqual([
      ['a', false],
      ['sub/b', true],
    ]);
    const readers = await Promise.all(members.map(member => openNpzMember(source, member, 'x.npz')));
    expect((await readers[1]!.rows(9))!.data).toEqual(Float32Array.of(4, 5));
    expect((await readers[0]!.rows(2))!.data).toEqual(Float32Array.of(1, 2));
    expect((await readers[0]!.rows(2))!.data).toEqual(Float32Array.of(3));
    await Promise.all(readers.map(reader => reader.close()));
    expect(await openFiles()).toEqual([]);
  });

  test('a large deflated member comes through in pieces', async () => {
    const data = Float32Array.from({ length: 300_000 }, (_, i) => Math.sin(i));
    const file = await written(
      zipFile([{ name: 'x.npy', data: writeNpy({ type: 'float32', dims: [300, 1000], data }), deflate: true }]),
    );
    const [member] = await listNpz(file, 'x.npz');
    const reader = await openNpzMember(file, member!, 'x.npz');
    for (let row = 0; row < 300; row += 100)
      expect((await reader.rows(100))!.data).toEqual(data.subarray(row * 1000, (row + 100) * 1000));
    expect(await reader.rows(1)).toBeNull();
  });

  test('closing early frees the file', async () => {
    const data = new Float32Array(1_000_000);
    for (const deflate of [false, true]) {
      const npy = writeNpy({ type: 'float32', dims: [1000, 1000], data });
      const file = await written(zipFile([{ name: 'x.npy', data: npy, deflate }]));
      const [member] = await listNpz(file, 'x.npz');
      const reader = await openNpzMember(file, member!, 'x.npz');
      await reader.rows(1);
      await reader.close();
      await new Promise(resolve => setTimeout(resolve, 20));
      expect(await openFiles()).toEqual([]);
    }
  });
});

describe('listNpz refuses', () => {
  const npy = floats(1);
  test.each([
    ['other bytes', Buffer.from('PK but no archive'), 'must be a ZIP archive, got an error: End of central directory'],
    ['nothing', Buffer.alloc(0), 'must be a ZIP archive'],
    [
      'no arrays',
      zipFile([{ name: 'a.txt', data: npy, deflate: false }]),
      'the archive must hold .npy members, got none',
    ],
    [
      'two of a name',
      zipFile([1, 2].map(() => ({ name: 'a.npy', data: npy, deflate: false }))),
      "array names must differ, got 'a' more than once",
    ],
    ['encryption', zipFile([{ name: 'a.npy', data: npy, deflate: true, flags: 1 }]), "'a' must be stored or deflated"],
    ['other compression', zipFile([{ name: 'a.npy', data: npy, deflate: true, method: 12 }]), "'a' must be stored or"],
    ['absolute paths', zipFile([{ name: '/etc/a.npy', data: npy, deflate: false }]), 'absolute path'],
  ])('%s', async (_, bytes, message) => {
    for (const source of [bytes, await written(bytes)]) {
      const failure = await listNpz(source, '--data x.npz').catch(error => error);
      expect(failure).toBeInstanceOf(Failure);
      expect(failure.message).toMatch(/^--data x\.npz: /);
      expect(failure.message).toContain(message);
    }
    expect(await openFiles()).toEqual([]);
  });

  test('a ZIP64 record past the end of the file', async () => {
    const archive = zipFile([{ name: 'a.npy', data: npy, deflate: false, zip64: true }]);
    archive.writeBigUInt64LE(2n ** 63n, archive.length - 22 - 20 + 8);
    for (const source of [archive, await written(archive)])
      await expect(listNpz(source, 'x.npz')).rejects.toThrow(
        'x.npz: must be a ZIP archive, got an error: unexpected EOF',
      );
  });

  test('a missing file, naming it', async () => {
    await expect(listNpz(join(folder, 'none.npz'), '--data none.npz')).rejects.toThrow(
      '--data none.npz: file must exist, got nothing at that path',
    );
  });
});

describe('a member', () => {
  test('that inflates to another length than declared is refused once it ends', async () => {
    const npy = writeNpy({ type: 'float32', dims: [1000], data: new Float32Array(1000) });
    const short = zipFile([{ name: 'a.npy', data: npy, packed: deflateRawSync(npy.subarray(0, 500)), deflate: true }]);
    const [member] = await listNpz(short, 'x.npz');
    const reader = await openNpzMember(short, member!, 'x.npz');
    await expect(reader.rows(1000)).rejects.toThrow('x.npz: a: the array must hold the 4000 bytes of data');
  });

  test('whose deflated bytes are damaged is refused', async () => {
    const npy = writeNpy({ type: 'float32', dims: [1000], data: Float32Array.from({ length: 1000 }, (_, i) => i) });
    const packed = deflateRawSync(npy);
    const damage = async (bytes: Uint8Array) => {
      const file = await written(zipFile([{ name: 'a.npy', data: npy, packed: bytes, deflate: true }]));
      const [member] = await listNpz(file, 'x.npz');
      return (await openNpzMember(file, member!, 'x.npz')).rows(1000);
    };
    await expect(damage(packed.subarray(0, 300))).rejects.toThrow(/^x\.npz: a: must be readable to its end, got /);
    const changed = deflateRawSync(npy.map((byte, index) => (index === 600 ? byte ^ 1 : byte)));
    await expect(damage(changed)).rejects.toThrow('x.npz: a: must have the checksum that the archive declares');
  });

  test('that would inflate to a thousand times the archive is read no further than asked', async () => {
    const bomb = Buffer.concat([floats(1, 2), new Uint8Array(2 ** 26)]);
    const archive = zipFile([{ name: 'a.npy', data: bomb, deflate: true }]);
    expect(archive.length).toBeLessThan(2 ** 17);
    const [member] = await listNpz(archive, 'x.npz');
    const reader = await openNpzMember(archive, member!, 'x.npz');
    expect((await reader.rows(5))!.data).toEqual(Float32Array.of(1, 2));
    expect(await reader.rows(5)).toBeNull();
    await reader.close();
  });
});

test('mutated archives throw nothing but a Failure', () => {
  const archive = zipFile([
    { name: 'a.npy', data: floats(1, 2, 3), deflate: false },
    { name: 'b.npy', data: floats(4, 5), deflate: true, zip64: true },
  ]);
  const mutation = fc.record({ at: fc.nat(archive.length - 1), byte: fc.constantFrom(0, 1, 0x7f, 0xff, 0x50) });
  return fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 6 }), fc.nat(40), async (mutations, cut) => {
      const mutated = Buffer.from(archive.subarray(0, cut === 0 ? archive.length - 3 : archive.length));
      for (const { at, byte } of mutations) mutated[at] = byte;
      const path = await written(mutated);
      try {
        for (const source of [path, mutated])
          for (const member of await listNpz(source, 'x.npz')) {
            const reader = await openNpzMember(source, member, 'x.npz');
            while ((await reader.rows(2)) !== null);
            await reader.close();
          }
      } catch (error) {
        expect(error).toBeInstanceOf(Failure);
      }
      await rm(path);
    }),
    { numRuns: 500 },
  );
});
