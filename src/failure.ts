/**
 * A failure that is the input's fault, not the program's: a bad flag (`usage`) or a model or data file that cannot be
 * used (`input`). Its message is one sentence, `operation: what must hold, got value`. The command line maps `usage` to
 * exit code 2 and `input` to exit code 3.
 *
 * @example
 * import { Failure, parseInputRanges } from 'reluminate/audit';
 * let failure;
 * try { parseInputRanges(['0 to 1']); } catch (error) { failure = error; }
 * [failure instanceof Failure, failure.kind]; // => [true, "usage"]
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly kind: 'usage' | 'input';
  constructor(kind: 'usage' | 'input', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
