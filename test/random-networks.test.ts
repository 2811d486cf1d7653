import { expect, it } from 'vitest';
import { audit } from '../src/audit/audit.js';
import { createRandom } from '../src/random.js';
import { exposing, runOnce } from './models.js';
import { randomBatch, randomNetwork } from './random-networks.js';

it('the audit of random networks says what their values show', async () => {
  const samples = 6;
  const seen = { layers: 0, units: 0, proved: 0, unobserved: 0 };
  for (let seed = 0; seed < 250; seed++) {
    const { model, sample, values } = randomNetwork(seed);
    const x = randomBatch(sample, samples, createRandom(seed));
    const batches = () => [{ feeds: { x }, samples }];
    const data = { kind: 'samples', description: 'random', total: samples, batches } as const;
    const report = await audit(model, data, { statistics: 'all', threads: 1 });
    const all = await runOnce(
      exposing(
        model,
        values.map(({ name }) => name),
      ),
      { x },
    );
    for (const layer of report.layers) {
      seen.layers++;
      if (layer.unobservedBecause) {
        seen.unobserved++;
        continue;
      }
      const rectifier = model.proto.graph!.node.find(node => node.name === layer.name)!;
      // A rectifier that happens to be spelled with several nodes.
      if (/Min|Max/.test(layer.spelling)) continue;
      const input = rectifier.input[0]!;
      const { dims, data } = input === 'x' ? x : all[input]!;
      // Where no layer tells which axis is the units', that of images or of features is taken.
      const told = (values.find(({ name }) => name === input)?.axis ?? 0) + 1;
      const axis = layer.unitAxis === null ? (dims.length >= 4 ? 1 : dims.length - 1) : told;
      const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
      const each = data.length / samples;
      const where = `seed ${seed}, ${layer.name}`;
      expect(layer.units.length, where).toBe(dims[axis]);
      const threshold = rectifier.opType === 'ThresholdedRelu' ? 0.5 : 0;
      for (const unit of layer.units) {
        seen.units++;
        const at = Array.from(data.keys()).filter(
          index => Math.floor(index / inner) % layer.units.length === unit.index,
        );
        const numbers = at.map(index => Number(data[index]));
        const firing = new Set(
          at.filter(index => Number(data[index]) > threshold).map(index => Math.floor(index / each)),
        );
        const [min, max] = [Math.min(...numbers), Math.max(...numbers)];
        const size = Math.max(1, Math.abs(min), Math.abs(max));
        const spot = `${where}, unit ${unit.index}`;
        expect(unit.firedSamples, spot).toBe(firing.size);
        // Instruments undo fusions, so that the last bits may differ.
        expect(Math.abs(unit.preActivation!.min! - min) / size, spot).toBeLessThan(1e-5);
        expect(Math.abs(unit.preActivation!.max! - max) / size, spot).toBeLessThan(1e-5);
        if (unit.stuck === null) continue;
        seen.proved++;
        expect((max - min) / size, spot).toBeLessThan(1e-5);
        expect(Math.abs(unit.constant! - max) / size, spot).toBeLessThan(1e-5);
      }
    }
  }
  expect(seen.unobserved).toBe(0);
  expect(seen.layers).toBeGreaterThan(300);
  expect(seen.proved).toBeGreaterThan(50);
});
