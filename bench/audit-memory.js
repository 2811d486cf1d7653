/* Audits a model on so many samples and prints the peak resident memory of this process in MiB. */
import { audit } from '../dist/audit/index.js';
import { openSamples } from '../dist/data/index.js';
import { readModelFile } from '../dist/onnx/file.js';
import { inputSpecs } from '../dist/onnx/index.js';
import { models } from './models.js';

const [name, count, ...files] = process.argv.slice(2);
const { path, images } = models.find(model => model.name === name);
const samples = Number(count);
const repeated = Array.from({ length: samples }, (_, at) => files[at % files.length]);
const model = await readModelFile(path);
await audit(model, await openSamples(repeated, inputSpecs(model), { ...images, batch: 1, samples }));
process.stdout.write(String(process.resourceUsage().maxRSS / 1024));
