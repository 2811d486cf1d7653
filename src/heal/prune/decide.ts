import { type Channels, type Context, isChannels, type Pinned } from '../../onnx/channels.js';
import { channelIndex, connectionsOf } from '../../onnx/connections.js';
import type { NodeProto } from '../../onnx/proto.js';
import type { Reads } from '../../onnx/read-flow.js';
import { nodeName } from '../../onnx/scope.js';
import type { Folded } from './rule.js';
import { shown, type Ties } from './ties.js';

/** Which channels go. Channels are dead where they are constant or nothing reads them; `reason` tells of a dead one that stays. */
export interface Decision {
  goes(value: string, channel: number): boolean;
  isDead(value: string, channel: number): boolean;
  isRead(value: string, channel: number): boolean;
  reason(value: string, channel: number): string | null;
  readonly carriers: ReadonlyMap<NodeProto, Folded>;
}

/** A constant channel carries for those that go only if it is not much smaller than they are, so that weights do not grow much. */
const leastShare = 1e-3;

interface Followed {
  readonly value: string;
  readonly channels: Channels;
}

/**
 * Decides which channels go: classes of tied channels all of which are dead and none of which is held. A value keeps one channel at least, a padded
 * layer one constant channel to carry the others, and a width that was a multiple of `align` stays one. Channels
 * `onWord` are dead like others, but do not carry: they are constant on the caller's word only.
 */
export function decide(
  context: Context,
  reads: ReadonlyMap<string, Reads>,
  { slots, held }: Ties,
  onWord: Pinned,
  align: number,
): Decision {
  const { known, scope } = context;
  const followed: Followed[] = [];
  for (const [value, channels] of known) if (isChannels(channels)) followed.push({ value, channels });
  const isRead = (value: string, channel: number): boolean => {
    const flags = reads.get(value);
    return flags === 'all' || flags?.[channel] === 1;
  };
  const isDead = (value: string, channel: number): boolean => {
    const channels = known.get(value);
    return typeof channels === 'object' && (channels.constant[channel] === 1 || !isRead(value, channel));
  };
  const levelOf = (value: string, channel: number) => (known.get(value) as Channels).level[channel] as number;
  const classOf = (value: string, channel: number) => slots.find(slots.of(value, channel));

  // Reasons why a class stays, strongest first: what holds it, what lives in it, what is not known of it.
  const staying = new Map<number, { value: string; reason: string }>();
  const stay = (value: string, channel: number, reason: string) => {
    const root = classOf(value, channel);
    if (!staying.has(root)) staying.set(root, { value, reason });
  };
  const every = (visit: (value: string, channel: number) => void) => {
    for (const { value, channels } of followed)
      for (let channel = 0; channel < channels.constant.length; channel++) visit(value, channel);
  };
  const producerName = (value: string) => {
    const producer = scope.producer.get(value);
    return producer ? `${producer.opType} '${nodeName(producer)}'` : `'${value}'`;
  };
  every((value, channel) => {
    const reason = held.get(value);
    if (reason !== undefined) stay(value, channel, reason);
  });
  every((value, channel) => {
    if (!isDead(value, channel)) stay(value, channel, `it is tied to a channel of ${producerName(value)} that lives`);
  });
  every((value, channel) => {
    if (isRead(value, channel) && !Number.isFinite(levelOf(value, channel)))
      stay(value, channel, `it is constant, but not one known number at every position (${producerName(value)})`);
  });
  const sizeOf = new Map<number, number>();
  every((value, channel) => {
    const root = classOf(value, channel);
    sizeOf.set(root, (sizeOf.get(root) ?? 0) + 1);
  });

  const goes = (value: string, channel: number) => !staying.has(classOf(value, channel));
  const going = ({ value, channels }: Followed) =>
    [...channels.constant.keys()].filter(channel => goes(value, channel));
  const padded = paddedLayers(context);
  const carriers = new Map<NodeProto, Folded>();
  let changed = true;
  const keep = (value: string, channel: number, reason: string) => {
    stay(value, channel, reason);
    changed = true;
  };
  while (changed) {
    changed = false;
    for (const each of followed) {
      const { value, channels } = each;
      const count = channels.constant.length;
      const gone = going(each);
      if (gone.length === 0) continue;
      if (gone.length === count) keep(value, mostUseful(channels), 'a layer keeps one channel at least');
      const kept = count - going(each).length;
      if (channels.layout !== 'plain' || align === 1 || count % align !== 0 || kept % align === 0) continue;
      const back = going(each)
        .map(channel => ({ channel, size: sizeOf.get(classOf(value, channel)) as number }))
        .sort((a, b) => a.size - b.size || a.channel - b.channel);
      for (const { channel } of back.slice(0, align - (kept % align)))
        keep(value, channel, `it keeps the width a multiple of ${align}`);
    }
    for (const { node, value, channels, reads: isWeighed } of padded) {
      const folded = going({ value, channels }).filter(
        channel =>
          channels.level[channel] !== 0 && channels.constant[channel] && isRead(value, channel) && isWeighed(channel),
      );
      carriers.delete(node);
      if (folded.length === 0) continue;
      const size = (channel: number) => Math.abs(channels.level[channel] as number);
      const largest = Math.max(...folded.map(size));
      const fit = [...channels.constant.keys()].filter(
        channel =>
          channels.constant[channel] &&
          !goes(value, channel) &&
          !onWord.get(value)?.has(channel) &&
          size(channel) >= leastShare * largest &&
          Number.isFinite(size(channel)),
      );
      const best = fit.reduce<number | null>((a, b) => (a === null || size(b) > size(a) ? b : a), null);
      if (best !== null) {
        carriers.set(node, { channel: best, level: channels.level[best] as number });
        continue;
      }
      const own = folded.filter(channel => !onWord.get(value)?.has(channel));
      const reason = `${node.opType} '${nodeName(node)}' pads its input with zeros, beside which a constant is not constant`;
      if (own.length === 0) for (const channel of folded) keep(value, channel, reason);
      else
        keep(
          value,
          own.reduce((a, b) => (size(b) > size(a) ? b : a)),
          reason,
        );
    }
  }
  return {
    goes,
    isDead,
    isRead,
    carriers,
    reason(value, channel) {
      const why = isDead(value, channel) ? staying.get(classOf(value, channel)) : undefined;
      if (why && why.reason === shown && why.value !== value)
        return `it can only go with channels of output '${why.value}' of the model`;
      return why?.reason ?? null;
    },
  };
}

/** The channel to keep of a value of which all could go: the constant one of the largest level, which can carry the others. */
function mostUseful({ constant, level }: Channels): number {
  let best = 0;
  const size = (channel: number) => (constant[channel] ? Math.abs(level[channel] as number) : -1);
  for (let channel = 1; channel < constant.length; channel++) if (size(channel) > size(best)) best = channel;
  return best;
}

/** Ungrouped layers that see padding at the border, their input's channels, and which of these they weigh. */
function paddedLayers(context: Context) {
  const { scope, lookup, known } = context;
  return scope.nodes.flatMap(node => {
    const value = node.input[0] ?? '';
    const channels = known.get(value);
    if (!channels || !isChannels(channels)) return [];
    const connections = connectionsOf(scope, node, lookup);
    const index = connections?.padded ? channelIndex(node, channels, connections.inputs) : null;
    if (!connections || !index) return [];
    const weighed = new Set<number>();
    connections.visit(input => weighed.add(index(input)));
    return [{ node, value, channels, reads: (channel: number) => weighed.has(channel) }];
  });
}
