import { isChannels, type Knowledge } from '../../onnx/channels.js';

/**
 * The channels of all followed values, numbered through. Channels that can only go together, such as those that an Add adds, are
 * tied into one class (union-find); `find` gives a class by its representative.
 */
export class Slots {
  private readonly from = new Map<string, number>();
  private readonly parent: Int32Array;
  /** Number of slots. */
  readonly count: number;

  constructor(known: ReadonlyMap<string, Knowledge>) {
    let count = 0;
    for (const [value, knowledge] of known) {
      if (!isChannels(knowledge)) continue;
      this.from.set(value, count);
      count += knowledge.constant.length;
    }
    this.count = count;
    this.parent = Int32Array.from({ length: count }, (_, slot) => slot);
  }

  /** The number of a channel of a value that is followed. */
  of(value: string, channel: number): number {
    return (this.from.get(value) as number) + channel;
  }

  has(value: string): boolean {
    return this.from.has(value);
  }

  find(slot: number): number {
    const { parent } = this;
    let at = slot;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  }

  tie(a: number, b: number): void {
    this.parent[this.find(a)] = this.find(b);
  }
}
