import { celuRectifier } from './celu.js';
import { eluRectifier } from './elu.js';
import { describe } from './floats.js';
import { geluRectifier } from './gelu.js';
import { geluTanhRectifier } from './gelu-tanh.js';
import { hardSwishRectifier } from './hard-swish.js';
import { leakyReluRectifier } from './leaky-relu.js';
import { mishRectifier } from './mish.js';
import { preluRectifier } from './prelu.js';
import type { Rectifier } from './rectifier.js';
import { reluRectifier } from './relu.js';
import { relu6Rectifier } from './relu6.js';
import { rreluRectifier } from './rrelu.js';
import { seluRectifier } from './selu.js';
import { siluRectifier } from './silu.js';
import { softplusRectifier } from './softplus.js';
import { thresholdedReluRectifier } from './thresholded-relu.js';

interface Family {
  /** Names of the parameters, which are given all or not at all. */
  readonly parameters: readonly string[];
  make(...values: number[]): Rectifier;
}

/** Every rectifier, by the name `parseRectifier` knows it under. */
const families: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['relu', { parameters: [], make: reluRectifier }],
  ['leaky', { parameters: ['negativeSlope'], make: leakyReluRectifier }],
  ['prelu', { parameters: ['negativeSlope'], make: preluRectifier }],
  ['rrelu', { parameters: ['lower', 'upper'], make: (lower, upper) => rreluRectifier({ lower, upper }) }],
  [
    'rrelu-xu2015',
    {
      parameters: ['lower', 'upper'],
      make: (lower, upper) => rreluRectifier({ convention: 'xu2015', lower, upper }),
    },
  ],
  ['elu', { parameters: ['alpha'], make: eluRectifier }],
  ['selu', { parameters: [], make: seluRectifier }],
  ['celu', { parameters: ['alpha'], make: celuRectifier }],
  ['relu6', { parameters: [], make: relu6Rectifier }],
  ['thresholded', { parameters: ['theta'], make: thresholdedReluRectifier }],
  ['gelu', { parameters: [], make: geluRectifier }],
  ['gelu-tanh', { parameters: [], make: geluTanhRectifier }],
  ['silu', { parameters: ['beta'], make: siluRectifier }],
  ['mish', { parameters: [], make: mishRectifier }],
  ['softplus', { parameters: [], make: softplusRectifier }],
  ['hard-swish', { parameters: [], make: hardSwishRectifier }],
]);

/** A name without what people write between its words: `LeakyReLU`, `leaky_relu` and `leaky-relu` are one. */
const joined = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/** Families by their joined names, and by what else people call them. */
const known: ReadonlyMap<string, Family> = new Map([
  ...[...families].map(([name, family]) => [joined(name), family] as const),
  ['leakyrelu', families.get('leaky') as Family],
  ['swish', families.get('silu') as Family],
  ['thresholdedrelu', families.get('thresholded') as Family],
]);

/**
 * The names that `parseRectifier` knows, without parameters.
 *
 * @example
 * import { rectifierNames } from 'reluminate';
 * rectifierNames.includes('leaky'); // => true
 */
export const rectifierNames: readonly string[] = [...families.keys()];

function parseNumber(spelling: string, parameter: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value))
    throw new RangeError(`parseRectifier: ${parameter} of '${spelling}' must be a finite number, got '${text}'`);
  return value;
}

/**
 * The rectifier that a short name stands for: `relu`, `leaky:0.01`, `prelu`, `prelu:0.25`, `rrelu:0.125,0.333`, `elu:1`, … (all of
 * `rectifierNames`), in capitals or not, and as libraries spell it (`LeakyReLU`, `hard_swish`, `swish`); parameters follow a colon and have their usual defaults. Throws a RangeError for other names and
 * numbers.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * parseRectifier('leaky:0.25').value(-2); // => -0.5
 * parseRectifier('prelu').parameters; // => { "negativeSlope": 0.25 }
 */
export function parseRectifier(spelling: string): Rectifier {
  if (typeof spelling !== 'string')
    throw new TypeError(`parseRectifier: the name must be a string, got ${describe(spelling)}`);
  const text = spelling.trim().toLowerCase();
  const colon = text.indexOf(':');
  const written = colon < 0 ? text : text.slice(0, colon);
  const family = known.get(joined(written));
  if (!family)
    throw new RangeError(`parseRectifier: the name must be one of ${rectifierNames.join(', ')}, got '${spelling}'`);
  if (colon < 0) return family.make();
  const { parameters } = family;
  const values = spelling
    .trim()
    .slice(colon + 1)
    .split(',');
  if (values.length !== parameters.length)
    throw new RangeError(
      parameters.length === 0
        ? `parseRectifier: ${written} must have no parameters, got '${spelling}'`
        : `parseRectifier: ${written} must be written ${written}:${parameters.join(',')}, got '${spelling}'`,
    );
  return family.make(...values.map((value, index) => parseNumber(spelling, parameters[index] as string, value)));
}

/**
 * The rectifiers of a list separated by commas; a comma before a number separates parameters.
 *
 * @example
 * import { parseRectifiers } from 'reluminate';
 * parseRectifiers('relu,rrelu:0.125,0.375,prelu').map(f => f.name); // => ["relu", "rrelu:0.125,0.375", "prelu:0.25"]
 */
export const parseRectifiers = (list: string): Rectifier[] => {
  if (typeof list !== 'string')
    throw new TypeError(`parseRectifiers: the list must be a string, got ${describe(list)}`);
  return list.split(/,(?=\s*[a-z]|\s*$)/i).map(parseRectifier);
};
