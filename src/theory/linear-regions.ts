import { whole } from '../rectifiers/parameters.js';

/** n over j for j = 0 … highest. */
function binomials(n: number, highest: number): bigint[] {
  const values = [1n];
  for (let j = 1; j <= highest; j++) values.push(((values[j - 1] as bigint) * BigInt(n - j + 1)) / BigInt(j));
  return values;
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

/** A space of so many dimensions, cut by so many hyperplanes in general position. */
const pieces = (dimensions: number, hyperplanes: number): bigint =>
  sum(binomials(hyperplanes, Math.min(dimensions, hyperplanes)));

function checkWidths(operation: string, inputs: number, widths: readonly number[]): void {
  whole(operation, 'inputs', inputs, 1);
  if (widths.length === 0) throw new RangeError(`${operation}: there must be a hidden layer, got none`);
  widths.forEach((width, at) => {
    whole(operation, `width of hidden layer ${at}`, width, 1);
  });
}

/**
 * The largest number of linear regions that one layer of rectifiers can make: Σ_{j <= inputs} C(units, j), the pieces that hyperplanes in general
 * position cut a space into (Zaslavsky 1975). Exact, for every slope but 1: the units' kinks are the hyperplanes, whatever the
 * slope. A bigint, since it outgrows 2^53. Throws a RangeError unless both are whole numbers from 1 up.
 *
 * @example
 * import { maximalRegionsOfLayer } from 'reluminate/theory';
 * maximalRegionsOfLayer(2, 8).toString(); // => "37"
 * maximalRegionsOfLayer(100, 64) === 2n ** 64n; // => true
 */
export function maximalRegionsOfLayer(inputs: number, units: number): bigint {
  checkWidths('maximalRegionsOfLayer', inputs, [units]);
  return pieces(inputs, units);
}

/**
 * A number of linear regions that some network with these hidden widths has: Π_{l < L} ⌊n_l / n_0⌋^{n_0} · Σ_{j <= n_0} C(n_L, j) (Montúfar,
 * Pascanu, Cho & Bengio 2014, "On the number of linear regions of deep neural networks", theorem 4, for ReLU). It holds for every slope
 * but 1: the folding of the unit cube that the proof builds can be written with any. Throws a RangeError unless every width is at
 * least the number of inputs.
 *
 * @example
 * import { regionsLowerBound } from 'reluminate/theory';
 * regionsLowerBound(2, [8, 8, 8]).toString(); // => "9472"
 */
export function regionsLowerBound(inputs: number, widths: readonly number[]): bigint {
  checkWidths('regionsLowerBound', inputs, widths);
  widths.forEach((width, at) => {
    if (width < inputs)
      throw new RangeError(
        `regionsLowerBound: width of hidden layer ${at} must be at least the number of inputs, ${inputs}, got ${width}`,
      );
  });
  const folds = widths.slice(0, -1).map(width => BigInt(Math.floor(width / inputs)) ** BigInt(inputs));
  return folds.reduce((product, fold) => product * fold, pieces(inputs, widths.at(-1) as number));
}

/**
 * A number of linear regions that no network with these hidden widths exceeds, whatever its slopes: Π_l Σ_{j <= m_l} C(n_l, j), m_l the least of
 * n_0 … n_{l-1} (Montúfar 2017, "Notes on the number of linear regions of deep neural networks", proposition 3). Exact for one layer. Throws a RangeError for no
 * widths and for widths or inputs that are not whole numbers from 1 up.
 *
 * @example
 * import { regionsUpperBound } from 'reluminate/theory';
 * regionsUpperBound(2, [8, 8]).toString(); // => "1369"
 */
export function regionsUpperBound(inputs: number, widths: readonly number[]): bigint {
  checkWidths('regionsUpperBound', inputs, widths);
  let least = inputs;
  return widths.reduce((product, width) => {
    const factor = pieces(least, width);
    least = Math.min(least, width);
    return product * factor;
  }, 1n);
}

/**
 * The same for ReLU (slope 0) alone, and smaller: Σ Π_l C(n_l, j_l) over all j with j_l <= min(n_0, n_1 - j_1, …, n_{l-1} - j_{l-1}, n_l) (Serra,
 * Tjandraatmadja & Ramalingam 2018, "Bounding and counting linear regions of deep neural networks", theorem 1). Where j units of a
 * layer are off, what the layer passes on has at most n - j dimensions. A slope other than 0 passes all on, and can exceed it. Throws as `regionsUpperBound`.
 *
 * @example
 * import { reluRegionsUpperBound } from 'reluminate/theory';
 * reluRegionsUpperBound(1, [1, 1]).toString(); // => "3"
 */
export function reluRegionsUpperBound(inputs: number, widths: readonly number[]): bigint {
  checkWidths('reluRegionsUpperBound', inputs, widths);
  const most = Math.min(inputs, widths[0] as number);
  // after[d]: the bound for the layers that follow, where d dimensions reach them.
  let after = new Array<bigint>(most + 1).fill(1n);
  for (const width of widths.toReversed()) {
    const choices = binomials(width, Math.min(most, width));
    after = after.map((_, dimensions) =>
      sum(
        choices
          .slice(0, dimensions + 1)
          .map((ways, off) => ways * (after[Math.min(dimensions, width - off)] as bigint)),
      ),
    );
  }
  return after[most] as bigint;
}

/**
 * The number of linear pieces of the tent map x -> 1 - |1 - 2x| on [0, 1] composed with itself: 2^layers, from two rectifiers in each layer, of
 * any slope but 1. One hidden layer needs as many units as pieces (Telgarsky 2015, "Representation benefits of deep feedforward networks"). Throws a RangeError unless
 * layers is a whole number from 0 to 1,000,000.
 *
 * @example
 * import { tentMapPieces } from 'reluminate/theory';
 * tentMapPieces(7).toString(); // => "128"
 */
export function tentMapPieces(layers: number): bigint {
  if (whole('tentMapPieces', 'layers', layers, 0) > 1e6)
    throw new RangeError(`tentMapPieces: layers must be at most 1000000, got ${layers}`);
  return 2n ** BigInt(layers);
}
