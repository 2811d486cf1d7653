import { rectifyNoisily } from '../rectifiers/rrelu.js';
import { slopeSource } from '../rectifiers/rrelu-slopes.js';
import { type Operation, sumsPerChannel } from './operation.js';
import { gather, type Parameters } from './parameters.js';

/*
 * The passes in JavaScript, without branches: a CPU cannot predict random signs, so factors are looked up (measured: 3 against
 * 7 ns an element). Products of two float32 are exact in float64, so that storing them rounds once, as float32 arithmetic does.
 */

function rectifyRun(x: Float32Array, y: Float32Array, from: number, to: number, slope: number): void {
  const factors = Float64Array.of(slope, 1);
  for (let i = from; i < to; i++) {
    const value = x[i]!;
    y[i] = value * factors[Number(value > 0)]!;
  }
}

function rectifyBiasedRun(
  x: Float32Array,
  y: Float32Array,
  from: number,
  to: number,
  slope: number,
  bias: number,
): void {
  const factors = Float64Array.of(slope, 1);
  for (let i = from; i < to; i++) {
    const value = Math.fround(x[i]! + bias);
    y[i] = value * factors[Number(value > 0)]!;
  }
}

/** Factors of a row: of each column for x <= 0, for x > 0. */
function factorsOf(slopes: Float32Array): Float64Array {
  const factors = new Float64Array(2 * slopes.length).fill(1);
  for (let c = 0; c < slopes.length; c++) factors[2 * c] = slopes[c]!;
  return factors;
}

function rectifyRows(x: Float32Array, y: Float32Array, { slopes, biases }: Parameters): void {
  const factors = factorsOf(slopes);
  const added = biases ?? new Float32Array(slopes.length).fill(-0);
  for (let i = 0; i < x.length; ) {
    const end = Math.min(x.length, i + slopes.length);
    for (let c = 0; i < end; i++, c++) {
      const value = Math.fround(x[i]! + added[c]!);
      y[i] = value * factors[2 * c + Number(value > 0)]!;
    }
  }
}

/** Has `run` work on every run; those of a row are one element long. */
function eachRun(
  { slopes, inner }: Parameters,
  length: number,
  run: (from: number, to: number, c: number) => void,
): void {
  for (let from = 0, c = 0; from < length; from += inner, c = c + 1 === slopes.length ? 0 : c + 1)
    run(from, from + inner, c);
}

/** dx of a run; returns what it teaches the slope. */
function backwardRun(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  from: number,
  to: number,
  slope: number,
  kink: number,
): number {
  const factors = Float64Array.of(slope, kink, 1);
  const terms = new Float64Array(2);
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = x[i]!;
    const gradient = dy[i]!;
    terms[0] = gradient * value;
    sum += terms[Number(value >= 0)]!;
    dx[i] = gradient * factors[Number(value >= 0) + Number(value > 0)]!;
  }
  return sum;
}

/** Factors of a backward pass: of each channel for x < 0 and NaN, for x = 0, for x > 0. */
function backwardFactorsOf({ slopes, kinks }: Parameters): Float64Array {
  const atZero = kinks ?? slopes;
  const factors = new Float64Array(3 * slopes.length).fill(1);
  for (let c = 0; c < slopes.length; c++) {
    factors[3 * c] = slopes[c]!;
    factors[3 * c + 1] = atZero[c]!;
  }
  return factors;
}

function backwardRows(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  parameters: Parameters,
  sums: Float64Array,
): void {
  const { slopes } = parameters;
  const terms = new Float64Array(2);
  const factors = backwardFactorsOf(parameters);
  for (let i = 0; i < x.length; ) {
    const end = Math.min(x.length, i + slopes.length);
    for (let c = 0; i < end; i++, c++) {
      const value = x[i]!;
      const gradient = dy[i]!;
      terms[0] = gradient * value;
      sums[c]! += terms[Number(value >= 0)]!;
      dx[i] = gradient * factors[3 * c + Number(value >= 0) + Number(value > 0)]!;
    }
  }
}

/** dx of x + b in runs, those of a row one element long, and in `sums` what it teaches the slopes and, behind them, the biases. */
function backwardBiased(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  parameters: Parameters,
  biases: Float32Array,
  sums: Float64Array,
): void {
  const terms = new Float64Array(2);
  const factors = backwardFactorsOf(parameters);
  const channels = biases.length;
  for (let i = 0, c = 0; i < x.length; c = c + 1 === channels ? 0 : c + 1) {
    const bias = biases[c]!;
    let slopeSum = 0;
    let biasSum = 0;
    for (const end = i + parameters.inner; i < end; i++) {
      const value = Math.fround(x[i]! + bias);
      const gradient = dy[i]!;
      terms[0] = gradient * value;
      slopeSum += terms[Number(value >= 0)]!;
      const passed = Math.fround(gradient * factors[3 * c + Number(value >= 0) + Number(value > 0)]!);
      biasSum += passed;
      dx[i] = passed;
    }
    sums[c]! += slopeSum;
    sums[channels + c]! += biasSum;
  }
}

function maskRun(mask: Uint8Array, dy: Float32Array, dx: Float32Array, from: number, to: number, slope: number): void {
  const factors = Float64Array.of(slope, 1);
  for (let i = from; i < to; i++) dx[i] = dy[i]! * factors[(mask[Math.floor(i / 8)]! >> (i & 7)) & 1]!;
}

function maskRows(mask: Uint8Array, dy: Float32Array, dx: Float32Array, { slopes }: Parameters): void {
  const factors = factorsOf(slopes);
  for (let i = 0; i < dy.length; ) {
    const end = Math.min(dy.length, i + slopes.length);
    for (let c = 0; i < end; i++, c++) dx[i] = dy[i]! * factors[2 * c + ((mask[Math.floor(i / 8)]! >> (i & 7)) & 1)]!;
  }
}

/** y where the mask says positive and -|y| elsewhere. */
function signedBy(mask: Uint8Array, y: Float32Array): Float32Array {
  const factors = Float64Array.of(-1, 1);
  return y.map((value, i) => Math.abs(value) * factors[(mask[Math.floor(i / 8)]! >> (i & 7)) & 1]!);
}

function clearNegative(x: Float32Array, y: Float32Array): void {
  const cells = new Float32Array(2);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    cells[0] = value;
    y[i] = cells[Number(value <= 0)]!;
  }
}

function clearDead(x: Float32Array, dy: Float32Array, dx: Float32Array): void {
  const cells = new Float32Array(2);
  for (let i = 0; i < x.length; i++) {
    cells[1] = dy[i]!;
    dx[i] = cells[Number(x[i]! > 0)]!;
  }
}

/** Does a pass in JavaScript and returns the sums of its channels: of the slopes, then of the biases. */
export function runPlain(operation: Operation): Float64Array {
  const { kernel, inputs, mask, output, parameters } = operation;
  const { slopes, biases, kinks, inner } = parameters;
  const sums = new Float64Array(sumsPerChannel(operation) * slopes.length);
  const second = inputs[1] as Float32Array;
  const first = kernel === 'backward' && mask !== null ? signedBy(mask, inputs[0]!) : inputs[0]!;
  const rows = inner === 1;
  if (kernel === 'rrelu')
    rectifyNoisily(first, inputs.at(-1) as Float32Array, output, slopeSource(operation.noise, true));
  else if (kernel === 'relu') clearNegative(first, output);
  else if (kernel === 'reluBackward') clearDead(first, second, output);
  else if (kernel === 'backward') {
    const atZero = kinks ?? slopes;
    if (rows) backwardRows(first, second, output, parameters, sums);
    else
      eachRun(parameters, output.length, (from, to, c) => {
        sums[c]! += backwardRun(first, second, output, from, to, slopes[c]!, atZero[c]!);
      });
  } else if (kernel === 'backwardBias') backwardBiased(first, second, output, parameters, biases as Float32Array, sums);
  else if (mask !== null) {
    if (rows) maskRows(mask, first, output, parameters);
    else eachRun(parameters, output.length, (from, to, c) => maskRun(mask, first, output, from, to, slopes[c]!));
  } else if (rows) rectifyRows(first, output, parameters);
  else if (biases !== null)
    eachRun(parameters, output.length, (from, to, c) =>
      rectifyBiasedRun(first, output, from, to, slopes[c]!, biases[c]!),
    );
  else eachRun(parameters, output.length, (from, to, c) => rectifyRun(first, output, from, to, slopes[c]!));
  return gather(sums, parameters);
}

/** The sign mask of x, in JavaScript. `mask` is all zeros. */
export function signMaskPlain(x: Float32Array, mask: Uint8Array): void {
  for (let i = 0; i < x.length; i++) mask[Math.floor(i / 8)]! |= Number(x[i]! > 0) << (i & 7);
}
