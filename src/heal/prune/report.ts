import type { Anatomy } from '../../audit/anatomy.js';
import { type Cost, costlyValues, keptCost } from '../../audit/cost.js';
import { Failure } from '../../failure.js';
import type { Context } from '../../onnx/channels.js';
import { connectionsOf } from '../../onnx/connections.js';
import { type ConstantLookup, constantLookup } from '../../onnx/constants.js';
import { inputSpecs, type Model } from '../../onnx/model.js';
import type { NodeProto } from '../../onnx/proto.js';
import type { SessionOptions } from '../../onnx/runtime.js';
import { indexGraph, nodeName, type Scope } from '../../onnx/scope.js';
import { sampleDims, shapesOf } from '../../onnx/shapes.js';
import type { InputSpec } from '../../onnx/tensor-data.js';
import type { Decision } from './decide.js';

/** One layer with weights that lost inputs or outputs. It has more inputs than before where it reads two addends side by side. */
export interface PrunedLayer {
  readonly node: string;
  readonly op: string;
  /** Outputs before and after, and which went. */
  readonly units: { readonly before: number; readonly after: number; readonly removed: readonly number[] };
  readonly inputs: { readonly before: number; readonly after: number };
  /** Input channels with a constant other than 0 whose share went into the bias or, under padding, into another constant channel. */
  readonly folded: number;
}

/** Units of one layer or rectifier that are constant or unread and stay all the same. */
export interface LeftUnits {
  readonly node: string;
  readonly op: string;
  /** The value whose channels the units are. */
  readonly value: string;
  readonly units: readonly number[];
  readonly reason: string;
}

/** What a prune did. Multiply-adds are those of one sample, null where shapes are not known. */
export interface PruneReport {
  readonly align: number;
  /** Tiny weights set to zero beforehand. */
  readonly flushed: number;
  /** Units whose weights were lost in rounding beside those of their layer, and set to zero. */
  readonly negligible: number;
  /** Units of rectifiers that went. */
  readonly rectifiedUnits: number;
  /** Of these, units that are dead for every input in the declared ranges, but perhaps not for others. */
  readonly provedUnits: number;
  /** Of these, units that are dead on the caller's word only, or because others are. */
  readonly unitsOnWord: number;
  readonly layers: readonly PrunedLayer[];
  readonly left: readonly LeftUnits[];
  /** Additions of which one side was often dead, and that became concatenations. */
  readonly joined: readonly string[];
  /** Nodes that nothing read. */
  readonly nodesRemoved: readonly string[];
  /** Initializers that could be fed as inputs too, and cannot be any more: they lost channels, or nothing read them. */
  readonly inputsDropped: readonly string[];
  readonly before: Readonly<Cost>;
  readonly after: Readonly<Cost>;
}

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

interface LayerHistory {
  readonly op: string;
  readonly before: { units: number; inputs: number };
  /** Outputs that are still there, by their first numbers. */
  survivors: readonly number[];
  inputs: number;
  folded: number;
}

/** By what a unit is known to be dead: the file alone, a proof over the declared ranges, or the caller's word. */
export type Ground = 'file' | 'proof' | 'word';

/** Keeps account of the channels over several rounds of cutting, each of which numbers them afresh. */
export class History {
  private readonly layers = new Map<NodeProto, LayerHistory>();
  private readonly origins = new Map<string, readonly number[]>();
  private readonly groundOf: (value: string, unit: number) => Ground;
  private readonly leftOnClaim: LeftUnits[] = [];
  /** Units of rectifiers that went. */
  readonly removed: Record<Ground, number> = { file: 0, proof: 0, word: 0 };

  /** Begins with the layers of a model of which nothing was cut. */
  constructor(scope: Scope, lookup: ConstantLookup, groundOf: (value: string, unit: number) => Ground) {
    this.groundOf = groundOf;
    for (const node of scope.nodes) {
      const connections = connectionsOf(scope, node, lookup);
      if (!connections) continue;
      const { outputs, inputs } = connections;
      const before = { units: outputs, inputs };
      this.layers.set(node, { op: node.opType, before, survivors: range(outputs), inputs, folded: 0 });
    }
  }

  /** Takes note of what goes, before it is cut; `folded` has the counts afterwards. */
  record(
    { scope, lookup, known }: Context,
    { goes }: Decision,
    anatomy: Anatomy,
  ): (folded: ReadonlyMap<NodeProto, number>) => void {
    const stays = (value: string): readonly number[] | null => {
      const channels = known.get(value);
      return typeof channels === 'object' ? [...channels.constant.keys()].filter(at => !goes(value, at)) : null;
    };
    for (const { rectifier } of anatomy.layers) {
      const { output } = rectifier;
      const channels = rectifier.scope === anatomy.scope ? known.get(output) : undefined;
      if (typeof channels !== 'object') continue;
      for (const at of channels.constant.keys())
        if (goes(output, at)) this.removed[this.groundOf(output, this.origins.get(output)?.[at] ?? at)]++;
    }
    for (const node of scope.nodes) {
      const connections = connectionsOf(scope, node, lookup);
      const history = this.layers.get(node);
      if (!connections || !history) continue;
      const channels = known.get(node.input[0] ?? '');
      const kept = stays(node.input[0] ?? '');
      if (kept && typeof channels === 'object')
        history.inputs = (connections.inputs / channels.constant.length) * kept.length;
      const units = stays(node.output[0] ?? '');
      if (units) history.survivors = units.map(unit => history.survivors[unit] as number);
    }
    for (const value of known.keys()) {
      const kept = stays(value);
      const origin = this.origins.get(value);
      if (kept) this.origins.set(value, origin ? kept.map(at => origin[at] as number) : kept);
    }
    return folded => {
      for (const [node, count] of folded) {
        const history = this.layers.get(node);
        if (history) history.folded += count;
      }
    };
  }

  /** Takes note of a unit that was claimed to be constant and stays. */
  stayedOnClaim({ scope }: Context, value: string, unit: number, reason: string): void {
    const node = scope.producer.get(value);
    const same = this.leftOnClaim.find(item => item.value === value && item.reason === reason);
    if (same) (same.units as number[]).push(unit);
    else
      this.leftOnClaim.push({ node: node ? nodeName(node) : '', op: node?.opType ?? '', value, units: [unit], reason });
  }

  /** Layers that are not what they were, in their first numbers. */
  prunedLayers(): PrunedLayer[] {
    return [...this.layers]
      .filter(([, { before, survivors, inputs }]) => survivors.length < before.units || inputs !== before.inputs)
      .map(([node, { op, before, survivors, inputs, folded }]) => {
        const stays = new Set(survivors);
        return {
          node: nodeName(node),
          op,
          units: {
            before: before.units,
            after: survivors.length,
            removed: range(before.units).filter(unit => !stays.has(unit)),
          },
          inputs: { before: before.inputs, after: inputs },
          folded,
        };
      });
  }

  /** The dead units that stay when nothing more goes, layer by layer and reason by reason, in their first numbers. */
  left({ scope, lookup, known }: Context, decision: Decision, anatomy: Anatomy): LeftUnits[] {
    const rectified = new Set(
      anatomy.layers.filter(({ rectifier }) => !rectifier.scope.parent).map(({ rectifier }) => rectifier.output),
    );
    const found = scope.nodes.flatMap(node => {
      const value = node.output[0] ?? '';
      const channels = known.get(value);
      if (typeof channels !== 'object' || !(rectified.has(value) || connectionsOf(scope, node, lookup))) return [];
      const reasons = new Map<string, number[]>();
      const origin = this.origins.get(value);
      for (const at of channels.constant.keys()) {
        const reason = decision.reason(value, at);
        if (reason !== null) reasons.set(reason, [...(reasons.get(reason) ?? []), origin?.[at] ?? at]);
      }
      return [...reasons].map(([reason, units]) => ({ node: nodeName(node), op: node.opType, value, units, reason }));
    });
    return [...this.leftOnClaim, ...found];
  }
}

/** The shapes by which multiply-adds are counted, and those of `others`; none where the inputs have free dimensions besides the batch, or ONNX Runtime refuses the model. */
export async function shapesOfLayers(
  model: Model,
  inputs: readonly InputSpec[] | undefined,
  options: SessionOptions,
  others: readonly string[] = [],
): Promise<Map<string, number[]>> {
  const dims = sampleDims(inputs ?? inputSpecs(model));
  if (!dims) return new Map();
  const values = costlyValues(indexGraph(model), constantLookup(model.external));
  try {
    return await shapesOf(model, dims, [...new Set([...values, ...others])], options);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    return new Map();
  }
}

/** Parameters and multiply-adds of a model. */
export async function costOf(
  model: Model,
  inputs: readonly InputSpec[] | undefined,
  options: SessionOptions,
): Promise<Cost> {
  const shapes = await shapesOfLayers(model, inputs, options);
  return keptCost(indexGraph(model), constantLookup(model.external), null, shapes);
}
