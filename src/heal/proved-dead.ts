import type { Anatomy } from '../audit/anatomy.js';
import { type InputRanges, provableDims } from '../audit/prove/box.js';
import { proveBounds } from '../audit/prove/prove.js';
import { provedConstants } from '../audit/prove/proved-units.js';
import type { Pinned } from '../onnx/channels.js';
import { inputSpecs } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import type { InputSpec } from '../onnx/tensor-data.js';

/** The units that give 0 for every input in the ranges. Throws a Failure where a dimension besides the batch is free or the ranges do not fit. */
export async function provedDead(
  anatomy: Anatomy,
  ranges: InputRanges,
  inputs: readonly InputSpec[] | undefined,
  session: SessionOptions,
): Promise<Pinned> {
  const dims = provableDims(inputs ?? inputSpecs(anatomy.model));
  return provedConstants(anatomy.layers, await proveBounds(anatomy, dims, ranges, session));
}
