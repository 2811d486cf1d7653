import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { leakyReluInverse, leakyReluLogDet, rreluMeanSlope, rreluRectifier } from '../src/index.js';

const file = '../shared/data/theory-vectors.json';

interface NoisyVector {
  readonly evalSlope: number;
  readonly E_slope2: number;
  readonly trainVarFactor: number;
}

interface Vectors {
  readonly rrelu: { readonly pytorch: NoisyVector; readonly paperXu2015: NoisyVector };
  readonly inverseLogDet: readonly {
    readonly a: number;
    readonly x: readonly number[];
    readonly y: readonly number[];
    readonly logabsdet: number;
  }[];
}

const present = existsSync(file);
const vectors = present ? (JSON.parse(readFileSync(file, 'utf8')) as Vectors) : null;
const title = (name: string) => (present ? name : `${name}: skipped, since there is no ${file}`);

test.skipIf(!present)(title('RReLU in both conventions'), () => {
  const { pytorch, paperXu2015 } = vectors!.rrelu;
  for (const [convention, wanted] of [
    ['uniform', pytorch],
    ['xu2015', paperXu2015],
  ] as const) {
    expect(rreluMeanSlope({ convention })).toBeCloseTo(wanted.evalSlope, 15);
    expect(rreluRectifier({ convention }).moments(0, 1).secondMoment).toBeCloseTo(wanted.trainVarFactor, 14);
    expect(rreluRectifier({ convention }).moments(0, 1).derivativeSecondMoment).toBeCloseTo(
      (1 + wanted.E_slope2) / 2,
      14,
    );
  }
});

test.skipIf(!present)(title('inverse and log-determinant'), () => {
  for (const { a: negativeSlope, x, y, logabsdet } of vectors!.inverseLogDet) {
    leakyReluInverse(y, { negativeSlope }).forEach((value, i) => {
      expect(value).toBeCloseTo(x[i] as number, 13);
    });
    expect(leakyReluLogDet(x, { negativeSlope })).toBeCloseTo(logabsdet, 13);
  }
});
