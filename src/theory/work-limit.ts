/** Throws a RangeError where a simulation would draw more networks than about a minute is enough for. */
export function checkWork(operation: string, networks: number, most: number): void {
  if (most < 1)
    throw new RangeError(
      `${operation}: the network must be small enough for about a minute of work, got one that takes more`,
    );
  if (networks > most)
    throw new RangeError(
      `${operation}: networks must be at most ${Math.floor(most)} for about a minute of work with this network, got ${networks}`,
    );
}
