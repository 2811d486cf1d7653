import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../src/rectifiers/index.js';
import * as theory from '../src/theory/index.js';

/* Numbers that were computed independently of this project, where the file is present; unit tests hold copies of many of them. */

const path = join('..', 'shared', 'data', 'theory-vectors.json');
const isThere = existsSync(path);

// biome-ignore lint/suspicious/noExplicitAny: the file describes itself
const vectors: any = isThere ? JSON.parse(readFileSync(path, 'utf8')) : null;
const leaky = (slope: number) => parseRectifier(`leaky:${slope}`);

/** Each of a list of entries, which must not be empty. */
function each<T>(entries: readonly T[], check: (entry: T) => void): void {
  expect(entries.length).toBeGreaterThan(0);
  for (const entry of entries) check(entry);
}

/** Within a share of the number, or that much of 1 where it is smaller. */
const close = (got: number, want: number, tolerance: number) =>
  expect(Math.abs(got - want) / Math.max(1, Math.abs(want))).toBeLessThan(tolerance);

const net = (widths: string, slope: number, initializer: string) =>
  theory.describeNetwork(theory.parseWidths(widths), {
    rectifier: leaky(slope),
    last: leaky(slope),
    initializer: theory.parseInitializer(initializer),
  });

describe.skipIf(!isThere)(isThere ? 'reference numbers' : `reference numbers (skipped: no ${path})`, () => {
  test('gains, variance factors and golden slopes', () => {
    each<Record<string, number>>(vectors.gain, ({ a, gain, varFactorAtSigma2_1 }) => {
      close(theory.gain(leaky(a!)), gain!, 1e-12);
      close(theory.varianceFactor({ weightVariance: 1, rectifier: leaky(a!) }).forward, varFactorAtSigma2_1!, 1e-12);
    });
    each<{ sigma_w2: number; a: number | null }>(vectors.goldenSlope, ({ sigma_w2, a }) => {
      const found = theory.goldenSlope(sigma_w2);
      if (a === null) expect(found).toBeNull();
      else close(found as number, a, 1e-12);
    });
    const { trainVarFactor, trainGain, evalSlope } = vectors.rrelu.pytorch;
    const rrelu = parseRectifier('rrelu');
    close(rrelu.moments(0, 1).secondMoment, trainVarFactor, 1e-12);
    close(theory.gain(rrelu), trainGain, 1e-12);
    close(-rrelu.value(-1), evalSlope, 1e-12);
  });

  test('correlation maps, composed too', () => {
    each<Record<string, number>>(vectors.cmap, ({ a, c, C, dC }) => {
      const map = theory.correlationMap(leaky(a!));
      close(map.value(c!), C!, 1e-12);
      close(map.derivative(c!), dC!, 1e-12);
    });
    const iterates: number[] = vectors.reluCmapIteratesFrom0;
    // Behind 1, 3, 5, … layers.
    const found = theory.iterateCorrelation(theory.correlationMap(parseRectifier('relu')), 0, 2 * iterates.length);
    each([...iterates.entries()], ([at, want]) => close(found[2 * at + 1]!, want, 1e-9));
  });

  test('tailored slopes of plain networks, ResNets and depths, and that there are none', () => {
    type Plain = { L: number; eta: number; alphaExact: number | null; outputScale: number; reluC_L_0: number | null };
    each<Plain>(vectors.tatPlain, ({ L: depth, eta, alphaExact, outputScale, reluC_L_0 }) => {
      const found = theory.tailoredSlope({ depth }, { eta });
      if (reluC_L_0 !== null) close(theory.reachableCorrelation({ depth }), reluC_L_0, 1e-9);
      if (alphaExact === null) expect(found).toBeNull();
      else {
        close(found!.negativeSlope, alphaExact, 1e-7);
        close(found!.outputScale, outputScale, 1e-7);
      }
    });
    each(Object.entries(vectors.tatMinDepthForEta), ([eta, depth]) =>
      expect(theory.minTailoredDepth(Number(eta))).toBe(depth),
    );
    type Residual = { depth: number; v2: boolean; shortcut_weight: number; eta: number; alphaExact: number | null };
    each<Residual>(vectors.tatResNet, ({ depth, v2, shortcut_weight: shortcutWeight, eta, alphaExact }) => {
      const found = theory.tailoredSlope(theory.resNet(depth, { shortcutWeight, version: v2 ? 2 : 1 }), { eta });
      if (alphaExact === null) expect(found).toBeNull();
      else close(found!.negativeSlope, alphaExact, 1e-7);
    });
  });

  test('DKS', () => {
    each<Record<string, number>>(vectors['dksPlain_zeta1.5'], ({ L, a, output_shift, output_scale, zeta_local }) => {
      const found = theory.dksLeaky({ depth: L! })!;
      close(found.negativeSlope, a!, 1e-9);
      close(found.outputShift, output_shift!, 1e-9);
      close(found.outputScale, output_scale!, 1e-9);
      close(found.localSlope, zeta_local!, 1e-9);
    });
  });

  test('norm ratios and Jacobians of finite width', () => {
    each<Record<string, number>>(vectors.finiteWidthNormRatio, ({ a, n, L, E_R, E_R2 }) => {
      const { mean, secondMoment } = theory.normRatio(net(`${n}x${L! + 1}`, a!, 'he')).forward;
      close(mean, E_R!, 1e-9);
      close(secondMoment, E_R2!, 1e-9);
    });
    each<Record<string, number>>(vectors.jacobianJJT_var_critical, ({ a, L, orthogonal, gaussian }) => {
      close(theory.jacobian(net(`64x${L! + 1}`, a!, 'orthogonal')).variance, orthogonal!, 1e-9);
      close(theory.jacobian(net(`64x${L! + 1}`, a!, 'he')).variance, gaussian!, 1e-9);
    });
  });

  test('born-dead bounds, and simulations within 4 standard errors of each other', async () => {
    type ByWidth = { L: number[]; mc_dead: number[]; lower: number[]; point_death_exact: number[]; samples: number };
    const entries = Object.entries(vectors.bornDead.byWidth) as [string, ByWidth][];
    expect(entries.length).toBeGreaterThan(0);
    for (const [width, { L, mc_dead, lower, point_death_exact, samples }] of entries) {
      const { cells } = await theory.bornDeadMap({
        widths: [Number(width)],
        depths: L,
        rectifier: parseRectifier('relu'),
        initializer: theory.parseInitializer('he'),
        networks: 40_000,
      });
      cells.forEach(({ bounds, dead }, at) => {
        close(bounds!.lower, lower[at]!, 1e-9);
        close(bounds!.pointDeath, point_death_exact[at]!, 1e-9);
        const p = mc_dead[at]!;
        const error = Math.hypot(dead.standardError, Math.sqrt((p * (1 - p)) / samples));
        expect(Math.abs(dead.probability - p) / error).toBeLessThan(4);
      });
    }
  });

  test('linear regions', () => {
    const { singleLayerMax, montufar2014Lower, tentMapPieces } = vectors.linearRegions;
    each<Record<string, number>>(singleLayerMax, ({ n0, n, regions }) =>
      expect(Number(theory.maximalRegionsOfLayer(n0!, n!))).toBe(regions),
    );
    each<{ n0: number; widths: number[]; value: number }>(montufar2014Lower, ({ n0, widths, value }) =>
      expect(Number(theory.regionsLowerBound(n0, widths))).toBe(value),
    );
    each<Record<string, number>>(tentMapPieces, ({ k, pieces }) =>
      expect(Number(theory.tentMapPieces(k!))).toBe(pieces),
    );
  });
});
