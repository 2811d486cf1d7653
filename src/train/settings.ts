import { toBinary } from '@bufbuild/protobuf';
import { Failure } from '../failure.js';
import { constantsToInitializers } from '../onnx/constant-nodes.js';
import { copyModel, embedExternal, type Model, mainGraph } from '../onnx/model.js';
import { ModelProtoSchema } from '../onnx/proto.js';
import type { Dataset } from './dataset.js';
import type { CheckedFit, FitOptions } from './fit-options.js';
import { spansSteps } from './schedule.js';
import type { Trainer } from './trainer.js';

/** What decides the numbers of a training, each as text: settings as JSON, network and data by their fingerprints. */
export type Settings = Readonly<Record<string, string>>;

/** The SHA-256 of some bytes, in hexadecimal digits. */
async function fingerprint(...parts: readonly ArrayBufferView[]): Promise<string> {
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('');
}

/** The fingerprint of a model without the numbers of what is trained. */
function networkFingerprint(model: Model, trained: Iterable<string>): Promise<string> {
  const rest = copyModel(embedExternal(constantsToInitializers(model)));
  const names = new Set(trained);
  const graph = mainGraph(rest);
  graph.initializer = graph.initializer.filter(({ name }) => !names.has(name));
  return fingerprint(toBinary(ModelProtoSchema, rest.proto));
}

/** The fingerprint of a dataset's samples. */
const dataFingerprint = ({ inputs, inputDims, targets, targetDims = [], classes }: Dataset): Promise<string> =>
  fingerprint(new TextEncoder().encode(JSON.stringify([inputDims, classes, ...targetDims])), inputs, targets);

/** What decides the numbers of a training; its learning rate and clipping, which a diverged one goes on with others of, aside. */
export async function settingsOf(
  { model, data, options }: { readonly model: Model; readonly data: Dataset; readonly options: FitOptions },
  { batch, epochs, seed, schedule }: CheckedFit,
  { parameters, state }: Trainer,
): Promise<Settings> {
  const { optimizer, groups, freeze, labelSmoothing, batchStatistics, patience, validation } = options;
  const trained = [...parameters.map(({ name }) => name), ...state().tensors.keys()];
  const ofGroups = Object.entries(groups ?? {}).flatMap(([kind, group]) =>
    Object.entries(group ?? {}).map(([field, value]) => [`groups.${kind}.${field}`, value] as const),
  );
  const plain = {
    seed,
    batch,
    optimizer,
    ...Object.fromEntries(ofGroups),
    freeze,
    labelSmoothing,
    batchStatistics,
    schedule,
    patience,
  };
  return {
    ...Object.fromEntries(
      Object.entries(plain).flatMap(([name, value]) => (value === undefined ? [] : [[name, JSON.stringify(value)]])),
    ),
    ...(spansSteps(schedule) ? { [`number of epochs for the schedule '${schedule.kind}'`]: `${epochs}` } : {}),
    network: await networkFingerprint(model, trained),
    data: await dataFingerprint(data),
    ...(patience !== undefined && validation ? { 'held-out data': await dataFingerprint(validation) } : {}),
  };
}

/** Throws a Failure that names the first setting in which a checkpoint's differ from those given. */
export function requireSameSettings(saved: Settings, given: Settings): void {
  const name = [...new Set([...Object.keys(given), ...Object.keys(saved)])].find(key => saved[key] !== given[key]);
  if (name === undefined) return;
  const inWords = (value = 'nothing') => (/^[0-9a-f]{64}$/.test(value) ? 'another' : value);
  const [was, is] = [inWords(saved[name]), inWords(given[name])];
  throw new Failure(
    'usage',
    was === 'another' || is === 'another'
      ? `train: a checkpoint must be continued with the ${name} that it has seen, got another`
      : `train: a checkpoint must be continued with the same ${name}, ${was}, got ${is}`,
  );
}
