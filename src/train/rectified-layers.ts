import { constantsToInitializers } from '../onnx/constant-nodes.js';
import { constantLookup } from '../onnx/constants.js';
import type { Model } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { findRectifiers } from '../onnx/rectifiers.js';
import { indexGraph } from '../onnx/scope.js';
import type { Parameter } from './parameters.js';

/** The rectifier that each parameter reaches first, by name: its layer. Parameters behind the last one have none. */
export function rectifiedLayers(model: Model, parameters: readonly Parameter[]): ReadonlyMap<string, string> {
  const scope = indexGraph(constantsToInitializers(model));
  const names = new Map<NodeProto, string>();
  for (const { name, nodes } of findRectifiers([scope], constantLookup(model.external)))
    for (const node of nodes) names.set(node, name);
  const firstFrom = (value: string): string | undefined => {
    // A set gives what is added while it is walked, so that this is breadth first.
    const values = new Set([value]);
    for (const each of values)
      for (const node of scope.consumers.get(each) ?? []) {
        const found = names.get(node);
        if (found !== undefined) return found;
        for (const output of node.output) values.add(output);
      }
    return undefined;
  };
  return new Map(
    parameters.flatMap(({ name }) => {
      const layer = firstFrom(name);
      return layer === undefined ? [] : [[name, layer] as const];
    }),
  );
}
