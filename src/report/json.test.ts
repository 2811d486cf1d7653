import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditReport } from '../audit/report.js';
import { renderJson } from './json.js';
import { hostileReport, sampleReport, typicalReport } from './sample-report.js';

const schema = JSON.parse(readFileSync(new URL('../../schema/audit-report.schema.json', import.meta.url), 'utf8'));
let validate: ReturnType<Ajv2020['compile']>;
beforeAll(() => {
  validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
});

const errorsOf = (report: unknown) =>
  validate(report) ? null : validate.errors!.map(e => `${e.instancePath} ${e.message}`);
const noData = () => sampleReport({ layers: 2, unitsPerLayer: () => 3, samples: 0 });

/** The report after a change of a copy. */
const changed = (change: (report: AuditReport) => void): AuditReport => {
  const report = typicalReport();
  change(report);
  return report;
};

describe('the schema', () => {
  test.each([
    ['typical', typicalReport],
    ['hostile', hostileReport],
    ['without data', noData],
    ['without layers', () => sampleReport({ layers: 0, unitsPerLayer: () => 0, samples: 5 })],
  ])('accepts a report: %s', (_, make) => expect(errorsOf(JSON.parse(renderJson(make())))).toBeNull());

  test.each<[string, (report: AuditReport) => void]>([
    ['a key too many', report => Object.assign(report.layers[0]!.units[0]!, { surprise: 1 })],
    ['an unknown verdict', report => Object.assign(report.layers[0]!.units[0]!, { verdict: 'asleep' })],
    ['a share beyond 1', report => Object.assign(report.totals.removable, { parameterShare: 1.01 })],
    ['a negative count', report => Object.assign(report.layers[0]!.counts, { silent: -1 })],
    ['half a unit', report => Object.assign(report.totals, { dead: 0.5 })],
    ['a missing key', report => Reflect.deleteProperty(report.layers[0]!, 'fedBy')],
    ['another version', report => Object.assign(report, { schemaVersion: 2 })],
    ['more than 20 places', report => Object.assign(report.findings[0]!, { where: Array(21).fill('x') })],
  ])('refuses %s', (_, change) => expect(errorsOf(changed(change))).not.toBeNull());
});

describe('renderJson', () => {
  test('loses nothing', () => {
    for (const report of [typicalReport(), hostileReport()]) expect(JSON.parse(renderJson(report))).toEqual(report);
  });

  test('one line for each unit', () => {
    const lines = renderJson(typicalReport()).split('\n');
    expect(lines.filter(line => line.includes('"firedSamples"')).length).toBe(4160);
    expect(renderJson(noData())).toMatchSnapshot();
  });

  test('names the first number that is not finite', () => {
    const report = changed(({ layers }) => {
      layers[3]!.units[5]!.preActivation!.mean = Number.NaN;
    });
    expect(() => renderJson(report)).toThrow(
      'renderJson: numbers must be finite, got NaN at layers[3].units[5].preActivation.mean',
    );
  });
});
