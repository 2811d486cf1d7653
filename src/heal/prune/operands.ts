import { type Channels, type Context, isChannels, type Knowledge, knowledgeOf } from '../../onnx/channels.js';

/** The channels of a value that is followed, else null. */
export function channelsOfValue({ known }: Context, value: string | undefined): Channels | null {
  const knowledge: Knowledge | undefined = value ? known.get(value) : undefined;
  return knowledge && isChannels(knowledge) ? knowledge : null;
}

/** The positions along an axis of `size` that belong to the given channels, where each channel may hold several (a flattened map). */
export function positionsOf(
  { layout, constant }: Channels,
  size: number,
  channels: readonly number[],
): readonly number[] {
  const count = constant.length;
  if (size === count) return channels;
  const each = size / count;
  const offsets = Array.from({ length: each }, (_, at) => at);
  return layout === 'block'
    ? channels.flatMap(channel => offsets.map(at => channel * each + at))
    : offsets.flatMap(at => channels.map(channel => at * count + channel));
}

/**
 * The axis along which a constant operand of an elementwise operator holds numbers for the channels of the result: `null` where it
 * has one number for all of them; a sentence where the file does not tell.
 */
export function operandAxis(context: Context, name: string, like: Channels): { axis: number | null } | string {
  const constant = context.lookup(context.scope, name);
  if (!constant) return 'one of its operands is computed';
  if (constant.data.length === 1) return { axis: null };
  const { dims } = constant;
  if (like.axis >= 0 && like.rank === null) return 'the number of axes of its operands is not known';
  const at = like.axis < 0 ? dims.length - 1 : dims.length - ((like.rank as number) - like.axis);
  const size = dims[at];
  if (at < 0 || size === 1) return { axis: null };
  const count = like.constant.length;
  const fits = size === count || (like.layout !== 'plain' && size !== undefined && size % count === 0);
  return fits ? { axis: at } : 'the shape of one of its operands does not fit its channels';
}

/** Whether an operand has the channels of the result, one for one. */
export const isAlike = (a: Channels, b: Channels): boolean =>
  a.constant.length === b.constant.length && a.axis === b.axis && a.rank === b.rank && a.layout === b.layout;

/** Whether nothing of a value depends on the model's input. */
export const isFixed = (context: Context, name: string): boolean => knowledgeOf(context, name) === 'constant';
