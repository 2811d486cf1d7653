import type { Rectifier } from '../rectifiers/rectifier.js';
import type { NetworkDescription } from './network.js';

/** The two slopes of a function that is a line through 0 on either side: f(x) = `above` x for x > 0, `below` x for x < 0. */
export interface SideSlopes {
  readonly above: number;
  readonly below: number;
}

/** Inputs at which a function that is no pair of lines through 0 shows it. */
const probes = [1e-3, 0.1, 0.5, 2, 3, 5.5, 10, 100, 1e4];

/** The slopes of a rectifier that consists of two lines through 0 (ReLU, leaky ReLU, PReLU; none at all is 1 and 1), null for any other. */
export function sideSlopes(rectifier: Rectifier | null): SideSlopes | null {
  if (rectifier === null) return { above: 1, below: 1 };
  const [above, below] = [rectifier.value(1), 0 - rectifier.value(-1)];
  const near = (got: number, want: number) => Math.abs(got - want) <= 1e-12 * Math.abs(want);
  const isLines = probes.every(x => near(rectifier.value(x), above * x) && near(rectifier.value(-x), -below * x));
  return isLines ? { above, below } : null;
}

/** E f'(X)^power for a symmetric X: what the gates of two lines do to powers of a signal. */
export const gateMoment = ({ above, below }: SideSlopes, power: number): number =>
  (above ** power + below ** power) / 2;

/** Whether the moments of a rectifier average over slopes that training draws, as RReLU's do, while its values have the slope of evaluation. */
export function hasRandomSlope(rectifier: Rectifier | null): boolean {
  const slopes = sideSlopes(rectifier);
  if (rectifier === null || slopes === null) return false;
  const fixed = gateMoment(slopes, 2);
  return Math.abs(rectifier.moments(0, 1).secondMoment - fixed) > 1e-9 * fixed;
}

/** Throws where a rectifier has a random slope, for what holds of fixed slopes only. */
export function refuseRandomSlopes(operation: string, network: NetworkDescription): void {
  const found = network.find(({ rectifier }) => hasRandomSlope(rectifier));
  if (found)
    throw new RangeError(
      `${operation}: slopes must be fixed, got ${found.rectifier?.name} (its slope in evaluation is that of leaky:${0 - (found.rectifier?.value(-1) ?? 0)})`,
    );
}
