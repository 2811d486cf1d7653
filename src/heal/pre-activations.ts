import type { AuditData } from '../audit/audit.js';
import { rowsOf } from '../audit/plan.js';
import { intTensor, node, valueInfo } from '../onnx/build.js';
import { freshNames } from '../onnx/edit.js';
import { keepAncestors } from '../onnx/keep-ancestors.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { DataType } from '../onnx/proto.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { TensorData } from '../onnx/tensor-data.js';

/** Numbers of one unit that are kept; beyond that every second is dropped and only every second taken from there on, and so on. */
const mostKept = 2 ** 14;

/** Keeps an even selection of a stream of numbers of unknown length. */
function selection() {
  let kept: number[] = [];
  let stride = 1;
  let seen = 0;
  return {
    add(value: number) {
      if (seen++ % stride !== 0) return;
      kept.push(value);
      if (kept.length < mostKept) return;
      kept = kept.filter((_, at) => at % 2 === 0);
      stride *= 2;
    },
    values: () => Float64Array.from(kept),
  };
}

/** Some channels of a value of the main graph; `axis` is that of its channels, from the front or the back. */
export interface PickedChannels {
  readonly value: string;
  readonly axis: number;
  readonly channels: readonly number[];
}

/**
 * The values that channels take on data, at every position of every sample, or an even selection of them where there are more than 16,384 for a channel: for
 * each of `picked` one list for each of its channels.
 */
export async function channelValues(
  original: Model,
  picked: readonly PickedChannels[],
  data: AuditData,
  options: SessionOptions,
): Promise<Float64Array[][]> {
  const model = copyModel(original);
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  keepAncestors(
    model,
    picked.map(({ value }) => value),
  );
  const outputs = picked.map(({ value, axis, channels }) => {
    const [indices, gathered, output] = [fresh('indices'), fresh('gathered'), fresh('channels')];
    graph.initializer.push(intTensor(indices, [channels.length], channels));
    graph.node.push(
      node('Gather', [value, indices], [gathered], { axis }),
      node('Cast', [gathered], [output], { to: DataType.FLOAT }),
    );
    graph.output.push(valueInfo(output, undefined, DataType.FLOAT));
    return output;
  });
  const kept = picked.map(({ channels }) => channels.map(selection));
  const session = await openSession(model, options);
  try {
    for await (const batch of data.batches()) {
      const results = await session.run(batch.feeds, outputs);
      const rows = rowsOf(batch);
      for (const [at, { axis, channels }] of picked.entries()) {
        const { dims, data: values } = results[outputs[at] as string] as TensorData;
        // Rows behind the samples are padding.
        const count = dims[0] === rows ? (values.length / rows) * batch.samples : values.length;
        const inner = dims.slice(axis < 0 ? dims.length + axis + 1 : axis + 1).reduce((a, b) => a * b, 1);
        const each = kept[at] as ReturnType<typeof selection>[];
        for (let index = 0; index < count; index++)
          each[Math.floor(index / inner) % channels.length]?.add(values[index] as number);
      }
    }
  } finally {
    await session.close();
  }
  return kept.map(channels => channels.map(each => each.values()));
}
