/** Samples with what they should give, as plain data. */
export interface Dataset {
  readonly name: string;
  readonly count: number;
  /** `count` samples of `inputDims`, row-major. */
  readonly inputs: Float32Array;
  /** Dimensions of one sample: `[784]`, `[1, 28, 28]`. */
  readonly inputDims: readonly number[];
  /** A class for each sample (0 … classes - 1) or each position of one, where any whole number below 0 stands for none; or `outputs` numbers for each sample. */
  readonly targets: Int32Array | Float32Array;
  /** Dimensions of one sample's target where each of its positions has a class, `[28, 28]` for a mask, or where its numbers have several axes; else absent or `[]`. */
  readonly targetDims?: readonly number[] | undefined;
  /** How many classes there are; null where targets are numbers to be met. */
  readonly classes: number | null;
  /** How many numbers a network has to give for each sample, or position: the classes, or the target's numbers. */
  readonly outputs: number;
  /** What the classes are called, where they have names. */
  readonly classNames?: readonly string[] | undefined;
}

/** What was done to the inputs, to be done to every later input as well: x becomes (x - mean) / deviation, feature by feature. */
export interface Standardization {
  /** One for each feature, or for each channel of samples with more than one axis. */
  readonly mean: readonly number[];
  /** As many, above 0; 1 for a feature that never varies. */
  readonly deviation: readonly number[];
}

/** A dataset in two parts that share no sample: one to learn from, one held out. */
export interface Split {
  readonly train: Dataset;
  readonly test: Dataset;
  /** By the mean and deviation of the training part; null or absent where the inputs are as they were. */
  readonly standardization?: Standardization | null | undefined;
}
