import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('memory does not grow with the steps of a training', async () => {
  // V8's young generation would grow with the garbage of the first thousands of steps; it is held at 1 MiB, so that what is left to grow is a leak.
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, 'bench/train-memory.js', '1000', '10000']);
  const [early, late] = JSON.parse(stdout) as [number, number];
  expect(late / early).toBeLessThan(1.05);
});
