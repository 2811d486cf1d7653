import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandIn } from './command.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  await writeFile(join(folder, 'afile'), 'text');
  await mkdir(join(folder, 'locked'), 0o500);
});
afterAll(() => rm(folder, { recursive: true }));

test.each(['afile', 'afile/sub', '', 'locked/story'])('refuses to write to %j before it trains', async output => {
  // The superuser may write anywhere.
  if (output.startsWith('locked') && process.getuid?.() === 0) return;
  expect(await commandIn(folder).refused(['demo', '-o', output], 2)).toBe(
    `--output: the path must be a folder that can be written to, got '${output}'`,
  );
});

interface Told {
  readonly title: string;
  readonly parameters: number;
  readonly dead: number;
  readonly neverFiring: number;
  readonly neverFiringByLayer: readonly number[];
  readonly bytes: number;
  readonly seconds: number;
  readonly accuracy: number;
  readonly verification: { readonly seen: { readonly kept: boolean } } | null;
}

test('the demo kills units, heals them in two ways, keeps its promises and writes one report', async () => {
  const { status, stdout } = await commandIn(folder).run(['demo', '-o', 'story']);
  expect(status).toBe(0);
  expect(stdout).toContain('Report: story/report.html');
  const { chapters } = JSON.parse(await readFile(join(folder, 'story', 'demo.json'), 'utf8')) as { chapters: Told[] };
  const [trained, pruned, healed, untreated, cured] = chapters as [Told, Told, Told, Told, Told];
  expect(trained.dead).toBeGreaterThan(40);
  expect(pruned.dead).toBeLessThan(trained.dead / 2);
  expect(pruned.parameters).toBeLessThan(0.85 * trained.parameters);
  expect([healed.dead, cured.dead]).toEqual([0, 0]);
  expect(untreated.dead).toBeGreaterThan(20);
  for (const { dead, neverFiring, neverFiringByLayer, bytes, seconds } of chapters) {
    expect(neverFiring).toBeGreaterThanOrEqual(dead);
    expect(neverFiringByLayer.length).toBe(4);
    expect(Math.max(...neverFiringByLayer) * 512).toBeGreaterThanOrEqual(neverFiring);
    expect([bytes > 100_000, seconds > 0]).toEqual([true, true]);
  }
  // PReLUs are never called dead, so that only what fires tells of them.
  expect(cured.neverFiring).toBeLessThan(untreated.neverFiring / 2);
  for (const { verification } of [pruned, healed]) expect(verification?.seen.kept).toBe(true);
  // Silence was seen on the samples trained on: held-out answers hardly change.
  for (const { accuracy } of [pruned, healed]) expect(Math.abs(accuracy - trained.accuracy)).toBeLessThan(0.005);
  expect(await readFile(join(folder, 'story', 'report.html'), 'utf8')).toContain('A network that dies, healed');
});
