import { Failure } from '../failure.js';

/** What a library function refused, as a failure of usage. */
export function orUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof RangeError) throw new Failure('usage', cause.message, { cause });
    throw cause;
  }
}
