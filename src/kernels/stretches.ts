import type { Stretch } from './operation.js';
import type { Parameters } from './parameters.js';
import { chunkLength, residentChannels, windowLength } from './regions.js';

/** Whether all parameters stay in the memory for a whole call. */
export const isResident = ({ slopes }: Parameters): boolean => slopes.length <= residentChannels;

/** The stretch of whole rows or parts of runs from `from` on, of at most `most` elements, parameters resident. */
function resident({ slopes, inner }: Parameters, from: number, most: number): WindowedStretch {
  const channels = slopes.length;
  if (inner > 1) {
    const run = Math.floor(from / inner);
    return {
      from,
      count: most,
      channel: run % channels,
      within: channels === 1 ? 0 : from % inner,
      channels,
      first: 0,
    };
  }
  const rows = Math.floor(most / channels);
  return rows === 0
    ? { from, count: most, channel: 0, within: 0, channels: most, first: 0 }
    : { from, count: rows * channels, channel: 0, within: 0, channels, first: 0 };
}

/** The stretch from `from` on whose channels do not come round again, to go with a window of the parameters. */
function windowed({ slopes, inner }: Parameters, from: number, most: number): WindowedStretch {
  const first = Math.floor(from / inner) % slopes.length;
  const within = from % inner;
  const count = Math.min(most, windowLength, (slopes.length - first) * inner - within);
  return { from, count, channel: 0, within, channels: Math.ceil((within + count) / inner), first };
}

/** A stretch, and the channel at which the window of the parameters that goes with it begins (0 where all are resident). */
export interface WindowedStretch extends Stretch {
  readonly first: number;
}

/** The stretch of a tensor of `length` elements that begins at `from`, of at most `longest`. */
export function stretchAt(
  parameters: Parameters,
  from: number,
  length: number,
  longest = chunkLength,
): WindowedStretch {
  const most = Math.min(longest, length - from);
  return isResident(parameters) ? resident(parameters, from, most) : windowed(parameters, from, most);
}
