import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema } from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { Failure } from '../failure.js';
import { floatTensor, node, valueInfo } from './build.js';
import { readModelFile, writeModelFile, writeWhole } from './file.js';
import { embedExternal, type Model, mainGraph, writeModel } from './model.js';
import { DataLocation, DataType, type TensorProto, TensorProtoSchema } from './proto.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A float32 tensor whose values lie in a file. Entries are written as they are, wrong ones too. */
const externalTensor = (name: string, dims: readonly number[], entries: Record<string, string>): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });

/** y = Relu(x w + b) for two inputs and two units. */
const gemm = (w: TensorProto, b: TensorProto): Model =>
  modelOf({
    nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['y'])],
    inputs: [valueInfo('x', ['N', 2])],
    outputs: [valueInfo('y')],
    initializers: [w, b],
  });

const weights = [1, 2, 3, 4, 5, -60];
const bytesOf = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** Writes the model beside a file with four weights and two biases, and returns its path. */
async function written(model: Model, file = bytesOf(weights)): Promise<string> {
  const path = join(folder, 'model.onnx');
  await writeFile(path, writeModel(model));
  await writeFile(join(folder, 'weights.bin'), file);
  return path;
}

const referring = (entries: Record<string, string>) =>
  gemm(externalTensor('w', [2, 2], entries), floatTensor('b', [2], [5, -60]));

const failureOf = async (attempt: Promise<unknown>): Promise<string> => {
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failure);
  expect((error as Failure).kind).toBe('input');
  return (error as Failure).message;
};

describe('external data', () => {
  const split = gemm(
    externalTensor('w', [2, 2], { location: 'weights.bin', offset: '0', length: '16' }),
    externalTensor('b', [2], { location: 'weights.bin', offset: '16' }),
  );

  test('is read where the model refers to it, and the references stay when it is written', async () => {
    const path = await written(split);
    const model = await readModelFile(path);
    expect([...model.external.keys()]).toEqual(['weights.bin']);
    expect(Buffer.compare(writeModel(model), await readFile(path))).toBe(0);
    await writeModelFile(join(folder, 'copy.onnx'), model);
    const copy = await readModelFile(join(folder, 'copy.onnx'));
    expect(mainGraph(copy).initializer).toEqual(mainGraph(split).initializer);
  });

  test('runs as the same weights inside the model do', async () => {
    const model = await readModelFile(await written(split));
    const inside = gemm(floatTensor('w', [2, 2], weights.slice(0, 4)), floatTensor('b', [2], weights.slice(4)));
    const feeds = { x: tensor([2, 2], [1, -1, 10, 20]) };
    const expected = [...(await runOnce(inside, feeds)).y!.data];
    expect(expected).toEqual([3, 0, 75, 40]);
    expect([...(await runOnce(model, feeds)).y!.data]).toEqual(expected);
    const alone = { ...embedExternal(model), external: new Map() };
    expect([...(await runOnce(alone, feeds)).y!.data]).toEqual(expected);
  });

  test('may lie in a folder below, behind dots that stay inside and behind links that do', async () => {
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'sub', 'w.bin'), bytesOf(weights.slice(0, 4)));
    await symlink(join('sub', 'w.bin'), join(folder, 'link.bin'));
    for (const location of ['sub/w.bin', 'sub/../sub/./w.bin', 'link.bin', 'folder..name']) {
      if (location === 'folder..name') await writeFile(join(folder, location), bytesOf(weights.slice(0, 4)));
      const model = await readModelFile(await written(referring({ location })));
      expect(model.external.get(location)).toHaveLength(16);
    }
  });

  test('of one file under many names is held once', async () => {
    const model = await readModelFile(
      await written(
        gemm(
          externalTensor('w', [2, 2], { location: './weights.bin', length: '16' }),
          externalTensor('b', [2], { location: 'weights.bin', offset: '16', length: '8' }),
        ),
      ),
    );
    expect(model.external.get('./weights.bin')).toBe(model.external.get('weights.bin'));
  });

  test('outside the model’s folder is refused: absolute, by dots, by a link, by a link to a folder', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'reluminate-'));
    try {
      await writeFile(join(elsewhere, 'secret'), bytesOf(weights.slice(0, 4)));
      await symlink(join(elsewhere, 'secret'), join(folder, 'link'));
      await symlink(elsewhere, join(folder, 'way'));
      const dots = `../${elsewhere.split('/').at(-1)}/secret`;
      for (const location of [
        join(elsewhere, 'secret'),
        dots,
        `sub/../${dots}`,
        'link',
        'way/secret',
        '..',
        '.',
        '',
        'a\0b',
      ])
        expect(await failureOf(readModelFile(await written(referring({ location })))), location).toMatch(
          /external data must lie in the model's folder/,
        );
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  test('of a sibling folder whose name starts like the model’s is outside', async () => {
    const twin = `${folder}-twin`;
    await mkdir(twin);
    try {
      await writeFile(join(twin, 'w'), bytesOf(weights.slice(0, 4)));
      const location = `../${twin.split('/').at(-1)}/w`;
      expect(await failureOf(readModelFile(await written(referring({ location }))))).toMatch(
        /must lie in the model's folder/,
      );
    } finally {
      await rm(twin, { recursive: true });
    }
  });

  test('that is missing, a folder, a broken or endless link is a failure that names it', async () => {
    await mkdir(join(folder, 'sub'));
    await symlink('nowhere', join(folder, 'broken'));
    await symlink('endless', join(folder, 'endless'));
    const cases = {
      gone: 'no such file',
      sub: 'a folder',
      broken: 'no such file',
      endless: 'a link that leads to itself',
    };
    for (const [location, reason] of Object.entries(cases)) {
      const message = await failureOf(readModelFile(await written(referring({ location }))));
      expect(message).toContain(`external data '${location}'`);
      expect(message).toContain(reason);
    }
  });

  test.each([
    [{}, 'location undefined'],
    [{ location: 'weights.bin', offset: '-4' }, 'offset -4'],
    [{ location: 'weights.bin', offset: 'NaN' }, 'offset NaN'],
    [{ location: 'weights.bin', offset: '1e400' }, 'offset 1e400'],
    [{ location: 'weights.bin', offset: '0.5' }, 'offset 0.5'],
    [{ location: 'weights.bin', length: '-1' }, 'length -1'],
    [{ location: 'weights.bin', offset: '20', length: '16' }, 'must hold bytes 20 to 36'],
    [{ location: 'weights.bin', offset: '0', length: '9007199254740991' }, 'must hold bytes 0 to'],
    [{ location: 'weights.bin', offset: '4', length: '16' }, null],
    [{ location: 'weights.bin', offset: '0' }, 'must hold 4 elements'],
    [{ location: 'weights.bin', length: '15' }, 'must hold 4 elements'],
    [{ location: 'weights.bin', offset: '1000' }, 'must hold 4 elements'],
  ])('entries %j', async (entries, reason) => {
    const reading = readModelFile(await written(referring(entries as Record<string, string>)));
    if (reason === null) expect((await reading).external.size).toBe(1);
    else expect(await failureOf(reading)).toContain(reason);
  });
});

describe('reading', () => {
  test('a missing file, a folder and a device are failures that name the path', async () => {
    expect(await failureOf(readModelFile(join(folder, 'gone.onnx')))).toMatch(
      /gone\.onnx': the file must be readable, got no such file/,
    );
    expect(await failureOf(readModelFile(folder))).toMatch(/must be readable, got a folder/);
    expect(await failureOf(readModelFile('/dev/zero'))).toMatch(/got a device/);
    await writeFile(join(folder, 'file'), '');
    expect(await failureOf(readModelFile(join(folder, 'file', 'm.onnx')))).toMatch(/a path through a file/);
    expect(await failureOf(readModelFile(join(folder, 'n'.repeat(5000))))).toMatch(/a name that is too long/);
  });
});

describe('writing', () => {
  test('follows a link to its target, there or not, and keeps the permissions of what was there', async () => {
    const [file, link, dangling] = ['file', 'link', 'dangling'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(file, 'old', { mode: 0o600 });
    await mkdir(join(folder, 'sub'));
    await symlink('file', link);
    await symlink(join('sub', 'new'), dangling);
    await writeWhole(link, 'new');
    await writeWhole(dangling, 'newer');
    expect([await readFile(file, 'utf8'), (await lstat(link)).isSymbolicLink()]).toEqual(['new', true]);
    expect((await lstat(file)).mode & 0o777).toBe(0o600);
    expect([await readFile(join(folder, 'sub', 'new'), 'utf8'), (await lstat(dangling)).isSymbolicLink()]).toEqual([
      'newer',
      true,
    ]);
    await symlink('endless', join(folder, 'endless'));
    expect(await failureOf(writeWhole(join(folder, 'endless'), 'text'))).toMatch(/got a link that leads to itself/);
    expect((await readdir(folder)).sort()).toEqual(['dangling', 'endless', 'file', 'link', 'sub']);
  });

  test('replaces a file as a whole and leaves nothing beside it', async () => {
    const path = join(folder, 'report.json');
    await writeFile(path, 'old and longer');
    await writeWhole(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['report.json']);
  });

  test('that fails is a failure that names the path, and leaves nothing beside it', async () => {
    const path = join(folder, 'sub');
    await mkdir(path);
    expect(await failureOf(writeWhole(path, 'text'))).toMatch(
      /^write '.*sub': the place must be writable, got a folder/,
    );
    expect(await failureOf(writeWhole(join(folder, 'none', 'file'), 'text'))).toMatch(/got no such file/);
    expect(await readdir(folder)).toEqual(['sub']);
  });

  test('into a device writes to it and does not put a file in its place', async () => {
    const path = join(folder, 'null');
    await symlink('/dev/null', path);
    await writeWhole(path, 'text');
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
  });
});
