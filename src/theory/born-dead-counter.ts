/** Where networks died: hidden layer by hidden layer, how many first had no input left that reaches on. */
export interface DeathCounts {
  /** Networks whose last tested input was silenced by this layer. */
  readonly dead: Float64Array<ArrayBuffer>;
  /** Networks whose first tested input was silenced by this layer. */
  readonly pointDead: Float64Array<ArrayBuffer>;
}

/** Draws that many networks from one state of the generator (four words) and adds what became of them to the counts. */
export type DeathCounter = (state: Uint32Array, networks: number, counts: DeathCounts) => void;

/** A layer of a ReLU network with independent weights and biases, or drawn by RAI. */
export interface CountedLayer {
  readonly fanIn: number;
  readonly fanOut: number;
  readonly weightStd: number;
  readonly biasStd: number;
  /** `'rai'`: normal numbers, of which one in each unit is replaced by one of the Beta(2, 1) distribution, as `raiInitialize` does. */
  readonly law: 'normal' | 'uniform' | 'rai';
}

export interface CountedNetwork {
  /** The hidden layers, first to last. */
  readonly layers: readonly CountedLayer[];
  /** Row-major [inputs tested, fanIn of the first layer]; null for x = 1 and x = −1 of one input, weights normal, no biases. */
  readonly points: Float64Array<ArrayBuffer> | null;
}

/**
 * Counts ReLU networks that die. It travels to worker threads as text, so it must not refer to anything outside.
 *
 * Without `points` no weights are drawn: what the two points' pre-activations in a unit are, given the layer before, is a pair of
 * normal numbers whose correlation is the cosine between the two vectors of activations, so that a pair for each unit has the law that fanIn
 * weights would give it, and scale does not matter. Once one point is silent, or the two are parallel, a layer is silenced with probability 2^−N.
 */
export function deathCounter({ layers, points }: CountedNetwork): DeathCounter {
  const words = new Int32Array(4);
  const step = 2 ** -31;

  /** Blackman and Vigna's xoshiro128**. */
  const next = (): number => {
    const b = words[1]!;
    const product = Math.imul(b, 5);
    const c = words[2]! ^ words[0]!;
    const d = words[3]! ^ b;
    words[1] = b ^ c;
    words[0] = words[0]! ^ d;
    words[2] = c ^ (b << 9);
    words[3] = (d << 11) | (d >>> 21);
    return Math.imul((product << 7) | (product >>> 25), 9);
  };

  /** Whether `count` fair coins all fall tails. */
  const allTails = (count: number): boolean => {
    for (let left = count; left > 0; left -= 32) if (next() >>> (32 - Math.min(left, 32)) !== 0) return false;
    return true;
  };

  /** The layers that silenced x = 1 and x = −1, or the number of layers, written to `died`. */
  const died = new Int32Array(2);
  const walkPair = (): void => {
    died.fill(layers.length);
    // In the first layer each unit is active on one of the two sides.
    let alone = allTails(layers[0]!.fanOut - 1);
    if (alone) died[next() & 1] = 0;
    let cosine = 0;
    for (let at = 1; at < layers.length; at++) {
      const { fanOut } = layers[at]!;
      if (alone) {
        if (!allTails(fanOut)) continue;
        for (let side = 0; side < 2; side++) if (died[side] === layers.length) died[side] = at;
        return;
      }
      const sine = Math.sqrt(Math.max(0, 1 - cosine * cosine));
      let first = 0;
      let second = 0;
      let common = 0;
      let active = 0;
      let units = 0;
      for (let j = 0; j < fanOut; j++) {
        // A point in the unit disc, and by the polar method of Marsaglia a pair of normal numbers.
        let x = 0;
        let y = 0;
        let square = 0;
        do {
          x = next() * step;
          y = next() * step;
          square = x * x + y * y;
        } while (square >= 1 || square === 0);
        const z = cosine * x + sine * y;
        if (x <= 0 && z <= 0) continue;
        units++;
        const scale = (-2 * Math.log(square)) / square;
        if (x > 0) first += scale * x * x;
        if (z > 0) second += scale * z * z;
        if (x > 0 && z > 0) {
          common += scale * x * z;
          active++;
        }
      }
      if (first === 0) died[0] = at;
      if (second === 0) died[1] = at;
      if (units === 0) return;
      alone = first === 0 || second === 0 || (units === 1 && active === 1);
      cosine = Math.min(1, common / Math.sqrt(first * second));
    }
  };

  const sizes = layers.map(({ fanIn }) => fanIn);
  const weights = layers.map(() => new Float64Array(0));
  const biases = layers.map(() => new Float64Array(0));
  const activations = [...sizes, layers.at(-1)!.fanOut].map(size => new Float64Array(points ? size : 0));
  /** Without biases only directions matter: activations are scaled so that no depth makes them vanish. */
  const scales = layers.every(({ biasStd }) => biasStd === 0);
  let drawn = 0;
  let spare = Number.NaN;

  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return value;
    }
    let x = 0;
    let y = 0;
    let square = 0;
    do {
      x = next() * step;
      y = next() * step;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    spare = scale * y;
    return scale * x;
  };

  /** Draws the layer with index `drawn`. */
  const draw = (): void => {
    const { fanIn, fanOut, weightStd, biasStd, law } = layers[drawn]!;
    if (weights[drawn]!.length === 0) {
      weights[drawn] = new Float64Array(fanIn * fanOut);
      biases[drawn] = new Float64Array(fanOut);
    }
    const fill = (values: Float64Array, std: number) => {
      if (law === 'uniform')
        for (let i = 0; i < values.length; i++) values[i] = Math.sqrt(3) * std * (next() + 0.5) * step;
      else for (let i = 0; i < values.length; i++) values[i] = std * normal();
    };
    fill(weights[drawn]!, weightStd);
    if (biasStd > 0) fill(biases[drawn]!, biasStd);
    if (law === 'rai')
      for (let unit = 0; unit < fanOut; unit++) {
        const chosen = Math.floor((next() >>> 0) * 2 ** -32 * (fanIn + 1));
        const asymmetric = Math.sqrt((next() >>> 0) * 2 ** -32);
        if (chosen < fanIn) weights[drawn]![unit * fanIn + chosen] = asymmetric;
        else biases[drawn]![unit] = asymmetric;
      }
    drawn++;
  };

  /** Passes `activations[at]` through that layer; whether any unit is active. */
  const pass = (at: number): boolean => {
    if (at === drawn) draw();
    const [inputs, outputs, matrix, bias] = [activations[at]!, activations[at + 1]!, weights[at]!, biases[at]!];
    let largest = 0;
    for (let unit = 0, w = 0; unit < outputs.length; unit++) {
      let sum = bias[unit]!;
      for (let i = 0; i < inputs.length; i++) sum += matrix[w++]! * inputs[i]!;
      outputs[unit] = Math.max(sum, 0);
      largest = Math.max(largest, sum);
    }
    if (scales && largest > 0) for (let unit = 0; unit < outputs.length; unit++) outputs[unit]! /= largest;
    return largest > 0;
  };

  /** The layer that silenced the point, or the number of layers. */
  const walkPoint = (point: number): number => {
    const input = activations[0]!;
    for (let i = 0; i < input.length; i++) input[i] = points![point * input.length + i]!;
    let at = 0;
    while (at < layers.length && pass(at)) at++;
    return at;
  };

  const pointCount = points === null ? 0 : points.length / sizes[0]!;
  return (state, networks, { dead, pointDead }) => {
    words.set(state);
    spare = Number.NaN;
    for (let network = 0; network < networks; network++) {
      if (points === null) {
        walkPair();
        const last = Math.max(died[0]!, died[1]!);
        if (last < layers.length) dead[last]!++;
        if (died[0]! < layers.length) pointDead[died[0]!]!++;
        continue;
      }
      drawn = 0;
      const first = walkPoint(0);
      if (first < layers.length) pointDead[first]!++;
      let last = first;
      for (let point = 1; point < pointCount && last < layers.length; point++) last = Math.max(last, walkPoint(point));
      if (last < layers.length) dead[last]!++;
    }
  };
}
