/** exp(-x^2 / 2) with x split in two, so that the error of squaring x does not grow with it. */
function bell(x: number): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp((-head * head) / 2) * Math.exp((-(x - head) * (x + head)) / 2);
}

const rootTau = Math.sqrt(2 * Math.PI);

/**
 * The standard normal density, φ(x) = exp(-x²/2) / √(2π).
 *
 * @example
 * import { normalDensity } from 'reluminate';
 * normalDensity(Infinity); // => 0
 */
export const normalDensity = (x: number): number => (Math.abs(x) > 40 ? 0 : bell(x) / rootTau);

/** Cody's coefficients, from the highest power down: erf near 0, erfc scaled by exp(x²) to 4, and beyond. */
const nearZero = {
  above: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  below: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
};
const middle = {
  above: [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  below: [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
};
const far = {
  above: [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  below: [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918],
};

/** The quotient of two polynomials at x. */
function rational(x: number, { above, below }: typeof far): number {
  let [numerator, denominator] = [0, 0];
  for (let k = 0; k < above.length; k++) numerator = numerator * x + above[k]!;
  for (let k = 0; k < below.length; k++) denominator = denominator * x + below[k]!;
  return numerator / denominator;
}

/** exp(x²) erfc(x) for x > 0.46875: Cody 1969, "Rational Chebyshev approximations for the error function", to about 1e-16. */
function scaledErfc(x: number): number {
  if (x <= 4) return rational(x, middle);
  const square = 1 / (x * x);
  return (1 / Math.sqrt(Math.PI) - square * rational(square, far)) / x;
}

/**
 * The standard normal distribution function, Φ(x) = (1 + erf(x / √2)) / 2: the probability that a standard normal number is
 * at most x. Accurate to about 1e-15 relative, in the left tail too.
 *
 * @example
 * import { normalCdf } from 'reluminate';
 * normalCdf(0); // => 0.5
 * normalCdf(-Infinity); // => 0
 */
export function normalCdf(x: number): number {
  const z = Math.abs(x) * Math.SQRT1_2;
  if (z <= 0.46875) return 0.5 + (x * Math.SQRT1_2 * rational(z * z, nearZero)) / 2;
  if (Number.isNaN(x)) return x;
  const tail = z > 28 ? 0 : (bell(x) * scaledErfc(z)) / 2;
  return x < 0 ? tail : 1 - tail;
}
