import { describe, expect, test } from 'vitest';
import { exposing, runOnce, tensor } from '../../../test/models.js';
import { createRandom } from '../../random.js';
import { parseRectifier } from '../../rectifiers/parse-rectifier.js';
import { correlationMap } from '../../theory/correlation-map.js';
import { type NetworkStructure, networkCorrelation } from '../../theory/network-map.js';
import { resNet } from '../../theory/res-net.js';
import { tailoredSlope } from '../../theory/tailored-slope.js';
import { buildNetwork } from './build-network.js';
import { parseNetwork } from './parse-network.js';
import { structureOfNetwork, tailoredRectifier } from './tailored-rectifier.js';

const leaky = parseRectifier('leaky');
const cosine = (a: Float32Array, b: Float32Array) => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe('tailoredRectifier', () => {
  test('is tailoredSlope for the depth of plain networks, and keeps the family', () => {
    const { negativeSlope } = tailoredSlope({ depth: 50 })!;
    for (const network of ['mlp:8-16x50-2', 'cnn:1x8x8-4x40-pool-4x9-dense8-2'])
      expect(tailoredRectifier(network, leaky)).toMatchObject({ name: `leaky:${negativeSlope}` });
    expect(tailoredRectifier('mlp:8-16x50-2', parseRectifier('prelu:0.1'))).toMatchObject({
      name: `prelu:${negativeSlope}`,
    });
    const plain = tailoredRectifier('resnet:1x8x8-4x12-8x12-2', leaky, { skips: false });
    expect(plain!.parameters.negativeSlope).toBeCloseTo(tailoredSlope({ depth: 49 })!.negativeSlope, 12);
  });

  test('skips lower the slope, and shallow networks have none', () => {
    const slope = (skips: boolean) =>
      tailoredRectifier('resnet:1x8x8-4x30-2', leaky, { skips })!.parameters.negativeSlope!;
    expect(slope(true)).toBeLessThan(slope(false));
    expect(tailoredRectifier('mlp:8-16x3-2', leaky)).toBeNull();
    expect(buildNetwork('mlp:8-16x3-2', { rectifier: leaky, tailored: true }).proto).toEqual(
      buildNetwork('mlp:8-16x3-2', { rectifier: leaky }).proto,
    );
  });

  test('refuses other rectifiers and networks without rectified layers', () => {
    expect(() => tailoredRectifier('mlp:8-16x50-2', parseRectifier('relu'))).toThrow(
      /must be leaky or prelu, got 'relu'/,
    );
    expect(() => tailoredRectifier('mlp:8-2', leaky)).toThrow(RangeError);
  });
});

describe('structureOfNetwork', () => {
  test('stages of 2, 2, 2 and 2 blocks are ResNet-18, version 2', () => {
    const architecture = parseNetwork('resnet:3x32x32-64x2-128x2-256x2-512x2-10');
    const map = correlationMap(parseRectifier('leaky:0.2'));
    const expected = networkCorrelation(resNet(18, { shortcutWeight: Math.SQRT1_2 }), map, 0.1);
    expect(networkCorrelation(structureOfNetwork(architecture), map, 0.1)).toBe(expected);
  });
});

describe('wide networks do what the theory says', () => {
  test('a tailored mlp makes 0.9 of the correlation of orthogonal inputs, with the variance it began with', async () => {
    const model = buildNetwork('mlp:2-600x30-600', { rectifier: leaky, tailored: true });
    const inputs = tensor([2, 2], [Math.SQRT2, 0, 0, Math.SQRT2]);
    const { output } = await runOnce(model, { input: inputs });
    const values = output!.data as Float32Array;
    // Finite width spreads correlations by about √(depth / width) of their distance to 1.
    expect(Math.abs(cosine(values.slice(0, 600), values.slice(600)) - 0.9)).toBeLessThan(0.05);
    expect(values.reduce((sum, value) => sum + value * value, 0) / 1200).toBeGreaterThan(0.5);
  });

  test.each([true, false])('correlations in resnets are those of their structure, skips %s', async skips => {
    const [channels, side, blocks, seeds] = [96, 16, 6, 8];
    const network = `resnet:64x${side}x${side}-${channels}x${blocks}-1`;
    const last = `stage1/block${blocks}/${skips ? 'sum' : 'layer2/conv'}`;
    // Away from the borders, whose zeros the theory leaves out.
    const inner = (image: Float32Array) =>
      image.filter((_, i) => [Math.floor(i / side) % side, i % side].every(at => at >= 4 && at < side - 4));
    let total = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const random = createRandom(100 + seed);
      const images = Float32Array.from({ length: 2 * 64 * side * side }, () => random.normal());
      const model = buildNetwork(network, { rectifier: leaky, skips, seed });
      const results = await runOnce(exposing(model, [last]), { input: tensor([2, 64, side, side], images) });
      const values = results[last]!.data as Float32Array;
      total += cosine(inner(values.slice(0, values.length / 2)), inner(values.slice(values.length / 2)));
    }
    const { chain } = structureOfNetwork(parseNetwork(network), { skips }) as { chain: NetworkStructure[] };
    const expected = networkCorrelation({ chain: chain.slice(0, -1) }, correlationMap(leaky), 0);
    // One network of this width spreads by about 0.05: four standard errors of the mean.
    expect(Math.abs(total / seeds - expected)).toBeLessThan((4 * 0.05) / Math.sqrt(seeds));
  });
});
