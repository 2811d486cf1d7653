import { mean, median, standardDeviation } from './statistics.js';

/** A positive quantity over random networks, which may span hundreds of decades. */
export interface LogSpread {
  /** The mean. */
  readonly mean: number;
  /** The standard error of the mean over networks; NaN for one network. */
  readonly standardError: number;
  /** Half of the samples are below: the typical value. */
  readonly median: number;
  /** ln of the mean, kept where the mean is outside the range of float64. */
  readonly logMean: number;
  /** ln of the median. */
  readonly logMedian: number;
  /** The mean of ln; -Infinity where a sample is 0. */
  readonly meanLog: number;
  /** The standard deviation of ln over all samples; NaN for one sample and where one is 0. */
  readonly logStandardDeviation: number;
}

/** The spread of samples given by their logarithms, in groups (one for each network) of samples that depend on each other. */
export function logSpread(groups: readonly (readonly number[])[]): LogSpread {
  const logs = groups.flat();
  const greatest = logs.reduce((most, log) => Math.max(most, log), Number.NEGATIVE_INFINITY);
  // Shares of the greatest sample: their mean neither underflows nor overflows.
  const shares = groups.map(group => mean(group.map(log => (log === greatest ? 1 : Math.exp(log - greatest)))));
  const scale = Math.exp(greatest);
  // Of an even number of samples, the geometric mean of the two in the middle.
  const logMedian = median(logs);
  return {
    mean: scale * mean(shares),
    standardError: (scale * standardDeviation(shares)) / Math.sqrt(shares.length),
    median: Math.exp(logMedian),
    logMean: greatest + Math.log(mean(shares)),
    logMedian,
    meanLog: mean(logs),
    logStandardDeviation: standardDeviation(logs),
  };
}
