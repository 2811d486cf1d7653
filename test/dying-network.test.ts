import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

interface Row {
  readonly step: number;
  readonly units: number;
  readonly dead: number;
  readonly right: number;
}

test('the same deep narrow network loses units for good with ReLU, none with a leak or a learned slope', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/dying-network/main.js', '--json']);
  const stories = JSON.parse(stdout) as { rectifier: string; rows: Row[] }[];
  const last = new Map(stories.map(({ rectifier, rows }) => [rectifier, rows.at(-1) as Row]));
  // Training is chaotic, so that another machine's rounding may kill other units: over eight seeds 11 % to 73 % died here.
  const { dead, units } = last.get('relu')!;
  expect(dead / units).toBeGreaterThan(0.1);
  for (const rectifier of ['leaky:0.01', 'prelu']) {
    expect(last.get(rectifier)!.dead).toBe(0);
    expect(last.get(rectifier)!.right).toBeGreaterThan(0.75);
  }
});
