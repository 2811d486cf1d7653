/** Abscissae of the 15-point Kronrod rule on [-1, 1], from the outside in; every second one is of the 7-point Gauss rule. */
const abscissae = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
  0.4058451513773972, 0.20778495500789848, 0,
];
const kronrodWeights = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
  0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
];
const gaussWeights = [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694];

/** A stretch of the line: the integral over it by the Kronrod rule, how far the Gauss rule is from it, and the integral of |f|. */
interface Panel {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
  readonly sum: number;
  readonly error: number;
  readonly size: number;
}

function panel(f: (x: number) => number, from: number, to: number, depth: number): Panel {
  const [centre, half] = [(from + to) / 2, (to - from) / 2];
  let [kronrod, gauss, size] = [0, 0, 0];
  for (let k = 0; k < 8; k++) {
    const offset = half * abscissae[k]!;
    const [left, right] = k < 7 ? [f(centre - offset), f(centre + offset)] : [f(centre), 0];
    kronrod += kronrodWeights[k]! * (left + right);
    size += kronrodWeights[k]! * (Math.abs(left) + Math.abs(right));
    if (k % 2 === 1) gauss += gaussWeights[(k - 1) / 2]! * (left + right);
  }
  return { from, to, depth, sum: kronrod * half, error: Math.abs(kronrod - gauss) * half, size: size * half };
}

/** Halving stops here: panels this small hold nothing that float64 can tell. */
const deepest = 50;

/** Integrals this small are as good as 0: their digits, and those of what they are compared to, would be lost below float64's range. */
const least = 1e-290;

/**
 * The integral of f between the first and the last of `points` (ascending), which must include every kink and jump of f:
 * Gauss–Kronrod (7, 15) panels, halved until the two rules agree to `tolerance` of the integral of |f| (Piessens et al. 1983,
 * QUADPACK), which grows as halving finds more of it. The Kronrod sum that is kept is then far closer than that.
 */
export function integrate(f: (x: number) => number, points: readonly number[], tolerance = 1e-12): number {
  const panels = points.slice(1).map((to, k) => panel(f, points[k] as number, to, 0));
  let scale = panels.reduce((sum, { size }) => sum + size, least);
  let integral = 0;
  for (let next = panels.pop(); next; next = panels.pop()) {
    const { from, to, depth, sum, error, size } = next;
    if (error <= tolerance * scale || depth === deepest || Number.isNaN(error)) {
      integral += sum;
      continue;
    }
    const middle = (from + to) / 2;
    const [left, right] = [panel(f, from, middle, depth + 1), panel(f, middle, to, depth + 1)];
    scale += Math.max(0, left.size + right.size - size);
    panels.push(left, right);
  }
  return integral;
}
