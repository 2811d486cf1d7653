/** Samples with what they should give, as plain data. */
export interface Dataset {
  readonly name: string;
  readonly count: number;
  /** `count` samples of `inputDims`, row-major. */
  readonly inputs: Float32Array;
  /** Dimensions of one sample: `[784]`, `[1, 28, 28]`. */
  readonly inputDims: readonly number[];
  /** A class for each sample (0 … classes - 1), or `outputs` numbers for each. */
  readonly targets: Int32Array | Float32Array;
  /** How many classes there are; null where targets are numbers to be met. */
  readonly classes: number | null;
  /** How many numbers a network has to give for each sample: the classes, or the target's numbers. */
  readonly outputs: number;
}

/** A dataset in two parts that share no sample: one to learn from, one held out. */
export interface Split {
  readonly train: Dataset;
  readonly test: Dataset;
}
