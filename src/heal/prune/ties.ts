import { type Context, isChannels } from '../../onnx/channels.js';
import type { Constant } from '../../onnx/constants.js';
import type { NodeProto } from '../../onnx/proto.js';
import { nodeName, readsOf } from '../../onnx/scope.js';
import { isWritable } from '../typed-tensor.js';
import { constantType } from './constant-type.js';
import type { Tying } from './rule.js';
import { ruleOf } from './rules.js';
import { followSizes } from './sizes.js';
import { Slots } from './slots.js';

/** Why the channels of an output stay. */
export const shown = 'it is an output of the model';

/** Which channels can only go together, and which have to stay, with the reason. */
export interface Ties {
  readonly slots: Slots;
  /** Reasons by value: none of its channels can go. */
  readonly held: ReadonlyMap<string, string>;
}

/** Operators of which infinity may be an operand like any other. */
const bounded = new Set(['Clip', 'Max', 'Min']);

const finite = new WeakMap<object, boolean>();
/** Whether a constant holds finite numbers only. They are looked at once. */
function isAllFinite(constant: Constant | null): boolean {
  if (!constant) return true;
  const known = finite.get(constant.data) ?? constant.data.every(Number.isFinite);
  finite.set(constant.data, known);
  return known;
}

/** Why a node cannot be followed although there is a rule for its operator. */
function refusal(tying: Tying, node: NodeProto): string | null {
  const { scope, lookup } = tying.context;
  const rule = ruleOf(node);
  if (!rule) return 'this operator is not followed';
  const isRead = (name: string) => name !== '' && (scope.consumers.has(name) || scope.outputs.has(name));
  if (node.opType !== 'Split' && node.output.slice(1).some(isRead)) return 'more than its first output is read';
  for (const name of node.input)
    if (name !== '' && lookup(scope, name) && !isWritable(constantType(scope, name)))
      return `the type of its constant '${name}' is not one that is written`;
  const broken = bounded.has(node.opType) ? undefined : node.input.find(name => !isAllFinite(lookup(scope, name)));
  if (broken) return `its constant '${broken}' holds NaN or infinity, which no folding gives again`;
  return rule.tie(tying, node);
}

/** Ties the channels of all followed values of the main graph. */
export function tieChannels(context: Context): Ties {
  const { scope, known } = context;
  const slots = new Slots(known);
  const held = new Map<string, string>();
  const hold = (value: string, reason: string) => {
    if (slots.has(value) && !held.has(value)) held.set(value, reason);
  };
  for (const output of scope.outputs) hold(output, shown);
  let node: NodeProto;
  const tying: Tying = {
    context,
    sizes: followSizes(context),
    tie: (x, a, y, b) => slots.tie(slots.of(x, a), slots.of(y, b)),
    hold: (value, reason) => hold(value, `${node.opType} '${nodeName(node)}' reads it: ${reason}`),
  };
  for (node of scope.nodes) {
    const touched = [...readsOf(node), ...node.output].filter(name => {
      const knowledge = known.get(name);
      return knowledge !== undefined && isChannels(knowledge);
    });
    if (touched.length === 0) continue;
    const refused = refusal(tying, node);
    if (refused === null) continue;
    for (const value of touched) {
      const verb = node.output.includes(value) ? 'writes' : 'reads';
      hold(value, `${node.opType} '${nodeName(node)}' ${verb} it: ${refused}`);
    }
  }
  return { slots, held };
}
