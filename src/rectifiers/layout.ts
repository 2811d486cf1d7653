import { asFloats, describe, type FloatArray, type Floats } from './floats.js';
import { whole } from './parameters.js';

/**
 * Where the channels of a tensor lie in memory: element (o, c, i) at index (o * channels + c) * inner + i. NCHW images are
 * `{ outer: N, channels: C, inner: H * W }`, NHWC images `{ outer: N * H * W, channels: C, inner: 1 }`, a batch of vectors
 * `{ outer: N, channels: features, inner: 1 }`; with one slope for each element of a sample, `channels` counts those elements.
 */
export interface Layout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/**
 * The layout of a tensor whose channels are the given axis (default 1; -1 is the last).
 *
 * @example
 * import { channelLayout } from 'reluminate';
 * channelLayout([32, 64, 7, 7]); // => { "outer": 32, "channels": 64, "inner": 49 }
 * channelLayout([32, 7, 7, 64], -1); // => { "outer": 1568, "channels": 64, "inner": 1 }
 */
export function channelLayout(dims: readonly number[], axis = 1): Layout {
  if (!Array.isArray(dims))
    throw new TypeError(`channelLayout: dims must be an array of numbers, got ${describe(dims)}`);
  const at = axis < 0 ? dims.length + axis : axis;
  if (!(Number.isInteger(at) && at >= 0 && at < dims.length))
    throw new RangeError(
      `channelLayout: axis must be one of the ${dims.length} axes of [${dims.join(', ')}], got ${axis}`,
    );
  const size = (part: readonly number[]) =>
    part.reduce((product, dim) => product * whole('channelLayout', 'each dimension', dim, 0), 1);
  return { outer: size(dims.slice(0, at)), channels: size([dims[at] as number]), inner: size(dims.slice(at + 1)) };
}

/** Slopes of a PReLU: one number (shared), or an array of one (shared) or of as many as the layout has channels. */
export type Slopes = number | FloatArray;

export interface LayoutOption {
  /** Where the channels lie; may be left out where the slope is shared or there is one slope for each element of `x`. */
  readonly layout?: Layout | undefined;
}

/** Slopes and the layout they go with, checked: `slopes.length === layout.channels`. */
export interface LaidOut {
  readonly slopes: Float64Array;
  readonly layout: Layout;
}

/** Checks slopes and layout against `length` elements. A shared slope becomes one channel around everything. `float32`: round the slopes to it. */
export function layOut(
  operation: string,
  slopes: Slopes,
  layout: Layout | undefined,
  length: number,
  float32: boolean,
): LaidOut {
  const given: Floats = typeof slopes === 'number' ? Float64Array.of(slopes) : asFloats(operation, 'slopes', slopes);
  if (layout !== undefined) checkLayout(operation, layout, length);
  const shared = given.length === 1;
  const channels = layout?.channels ?? length;
  if (!shared && given.length !== channels)
    throw new RangeError(
      layout === undefined
        ? `${operation}: slopes must have length 1 (shared) or ${length} (one for each element of x) where no layout is given, got ${given.length}`
        : `${operation}: slopes must have length ${channels} (channels), got ${given.length}`,
    );
  const rounded = float32 ? Float64Array.from(given, Math.fround) : Float64Array.from(given);
  const bad = rounded.findIndex(slope => !Number.isFinite(slope));
  if (bad >= 0)
    throw new RangeError(
      `${operation}: slopes must be finite${float32 ? ' in float32' : ''}, got ${given[bad]} (channel ${bad})`,
    );
  return {
    slopes: rounded,
    layout: shared ? { outer: 1, channels: 1, inner: length } : (layout ?? { outer: 1, channels: length, inner: 1 }),
  };
}

function checkLayout(operation: string, layout: Layout, length: number): void {
  if (typeof layout !== 'object' || layout === null)
    throw new TypeError(`${operation}: layout must be { outer, channels, inner }, got ${describe(layout)}`);
  const { outer, channels, inner } = layout;
  for (const [name, value] of Object.entries({ outer, channels, inner })) whole(operation, `layout.${name}`, value, 0);
  if (outer * channels * inner !== length)
    throw new RangeError(
      `${operation}: layout outer * channels * inner must be ${length} (length of x), got ${outer} * ${channels} * ${inner} = ${outer * channels * inner}`,
    );
}
