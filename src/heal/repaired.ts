import type { Model } from '../onnx/model.js';

/** What a repair gives: a new model, and what was done to it as plain data. The model given is left as it was. */
export interface Repaired<Report> {
  readonly model: Model;
  readonly report: Report;
}
