/*
 * Audits a real public network on pictures drawn for it: M-LSD (Gu et al. 2022, "Towards light-weight and real-time line
 * segment detection"), a line-segment detector, from the npm package jp.keijiro.mlsd (Apache-2.0). Writes report.html and report.json.
 */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawScenes } from './draw.js';

const count = 100;
const seed = 0;

const require = createRequire(import.meta.url);
const packaged = join(dirname(require.resolve('jp.keijiro.mlsd/package.json')), 'ONNX', 'mlsd_320x320_large.onnx');
const model = relative(process.cwd(), packaged);
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const folder = join('out', 'scenes');
await rm(folder, { recursive: true, force: true });
process.stderr.write(`drawing ${count} rooms, grids and charts into ${folder}\n`);
await drawScenes(folder, { count, seed });

// The network takes RGBA pixels from 0 to 255 and scales them itself.
const flags = ['--data', folder, '--scale', '1', '--html', 'report.html', '--json', 'report.json'];
const { status } = spawnSync(process.execPath, [cli, 'audit', model, ...flags], { stdio: 'inherit' });
if (status === 0) process.stderr.write('wrote report.html and report.json\n');
process.exitCode = status ?? 1;
