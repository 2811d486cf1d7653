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

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const standardDeviation = (values: readonly number[]): number => {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
};

/** ln of the sample in the middle, of the geometric mean of the two of an even number. */
function median(logs: readonly number[]): number {
  const sorted = [...logs].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [below, above] = [sorted[Math.floor(middle)]!, sorted[Math.ceil(middle)]!];
  return below === above ? below : (below + above) / 2;
}

/** The spread of samples given by their logarithms, in groups (one for each network) of samples that depend on each other. */
export function logSpread(groups: readonly (readonly number[])[]): LogSpread {
  const logs = groups.flat();
  const greatest = logs.reduce((most, log) => Math.max(most, log), Number.NEGATIVE_INFINITY);
  // Shares of the greatest sample: their mean neither underflows nor overflows.
  const shares = groups.map(group => mean(group.map(log => (log === greatest ? 1 : Math.exp(log - greatest)))));
  const scale = Math.exp(greatest);
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
