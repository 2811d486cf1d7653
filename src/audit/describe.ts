import { type Model, mainGraph } from '../onnx/model.js';
import { elementType } from '../onnx/tensor.js';
import type { Anatomy } from './anatomy.js';
import { constantOutputs } from './findings.js';
import { repairNoteOf } from './repair-note.js';
import type { AuditReport } from './report.js';

const producerOf = (model: Model): string =>
  [model.proto.producerName, model.proto.producerVersion].filter(Boolean).join(' ');

/** The facts about the model that a report states. */
export function describeModel(
  anatomy: Anatomy,
  original: Model,
  parameters: number,
  multiplyAdds: number | null,
): AuditReport['model'] {
  const constant = constantOutputs(anatomy);
  const graph = mainGraph(original);
  const filled = new Set(graph.initializer.map(tensor => tensor.name));
  return {
    name: original.name,
    bytes: original.bytes + [...original.external.values()].reduce((sum, file) => sum + file.length, 0),
    producer: producerOf(original),
    opsets: Object.fromEntries(original.proto.opsetImport.map(set => [set.domain || 'ai.onnx', Number(set.version)])),
    inputs: graph.input
      .filter(input => !filled.has(input.name))
      .map(input => {
        const type = input.type?.value.case === 'tensorType' ? input.type.value.value : null;
        const dims = type?.shape?.dim.map(({ value }) =>
          value.case === 'dimValue' ? Number(value.value) : (value.value ?? null),
        );
        return { name: input.name, type: (type && elementType(type.elemType)) ?? 'unknown', dims: dims ?? [] };
      }),
    outputs: graph.output.map(({ name }) => ({ name, constant: constant.has(name) })),
    nodes: anatomy.scope.nodes.length,
    parameters,
    multiplyAdds,
    pruned: repairNoteOf(original)?.prune ?? null,
  };
}
