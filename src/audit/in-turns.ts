/** Two things timed in turns: median milliseconds of each, and the ratio first over second (above 1: the second is faster) with its middle half. */
export interface TimedInTurns {
  readonly rounds: number;
  readonly first: number;
  readonly second: number;
  readonly ratio: number;
  readonly ratioLow: number;
  readonly ratioHigh: number;
}

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.round(share * (sorted.length - 1))] as number;

/** Times two runs against each other, in turns so that the machine's moods hit both alike; each should have run before. */
export async function timeInTurns(
  runs: readonly [() => Promise<unknown>, () => Promise<unknown>],
  rounds: number,
): Promise<TimedInTurns> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const start = performance.now();
      await runs[side]();
      times[side].push(performance.now() - start);
    }
  }
  const ratios = ascending(times[0].map((time, round) => time / (times[1][round] as number)));
  return {
    rounds,
    first: quantile(ascending(times[0]), 0.5),
    second: quantile(ascending(times[1]), 0.5),
    ratio: quantile(ratios, 0.5),
    ratioLow: quantile(ratios, 0.25),
    ratioHigh: quantile(ratios, 0.75),
  };
}
