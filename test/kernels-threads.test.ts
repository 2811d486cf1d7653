import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** What Node prints for a module given on its command line, whose flags workers would inherit. */
const evaluated = async (code: string): Promise<string> =>
  (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])).stdout.trim();

test('threads of the kernels start from code on the command line', async () => {
  const code = `import { KernelMemory, prelu } from 'reluminate/kernels';
    const memory = new KernelMemory({ bytes: 2 ** 22, threads: 2 });
    const x = memory.allocate(2 ** 19).fill(-1);
    await new Promise(resolve => setTimeout(resolve, 200));
    console.log(prelu(x, 0.5, { out: x, path: 'threads' }).every(value => value === -0.5));`;
  expect(await evaluated(code)).toBe('true');
});

test('so do those that count born-dead networks', async () => {
  const code = `import { parseRectifier } from 'reluminate';
    import { describeNetwork, parseInitializer, parseWidths, simulateBornDead } from 'reluminate/theory';
    const rectifier = parseRectifier('relu');
    const network = describeNetwork(parseWidths('2x3'), { rectifier, last: rectifier, initializer: parseInitializer('he') });
    const dead = async threads => (await simulateBornDead(network, { networks: 20000, seed: 1, threads })).dead;
    console.log(JSON.stringify(await dead(2)) === JSON.stringify(await dead(1)));`;
  expect(await evaluated(code)).toBe('true');
});
