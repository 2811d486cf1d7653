/** The value below which the given share of the values lies (nearest rank). */
export const quantile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))];
};

/** Median and middle half, as `1.043 (1.031 … 1.060)`. */
export const spread = (values, digits = 3) =>
  `${quantile(values, 0.5).toFixed(digits)} (${quantile(values, 0.25).toFixed(digits)} … ${quantile(values, 0.75).toFixed(digits)})`;
