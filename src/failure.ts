/**
 * A failure that is the input's fault, not the program's: a bad flag (`usage`) or a model or data file that cannot be
 * used (`input`). Its message is one sentence, `operation: what must hold, got value`. The command line maps `usage` to
 * exit code 2 and `input` to exit code 3.
 *
 * @example
 * import { Failure, readModel } from 'reluminate/onnx';
 * let caught;
 * try { readModel(new Uint8Array(), { name: 'empty.onnx' }); } catch (error) { caught = error; }
 * [caught instanceof Failure, caught.kind]; // => [true, "input"]
 * caught.message; // => "read model 'empty.onnx': the file must be an ONNX model, got an empty file"
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly kind: 'usage' | 'input';
  constructor(kind: 'usage' | 'input', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
