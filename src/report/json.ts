import type { AuditReport } from '../audit/report.js';

/** Path and value of the first thing in a report that JSON cannot hold, such as `[".samples", "NaN"]`; null where all is well. */
function firstForeign(value: unknown): [path: string, value: string] | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : ['', String(value)];
  if (typeof value !== 'object') return value === undefined ? ['', 'undefined'] : null;
  for (const [key, member] of Object.entries(value ?? {})) {
    const inside = firstForeign(member);
    if (inside !== null) return [(Array.isArray(value) ? `[${key}]` : `.${key}`) + inside[0], inside[1]];
  }
  return null;
}

/** How deep in the report its units are: report, layers, layer, units, unit. */
const unitDepth = 4;

/** Indented JSON in which each unit, and whatever else is short, takes one line. */
function write(value: unknown, depth: number): string {
  if (depth >= unitDepth || typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Array.isArray(value)
    ? value.map(member => write(member, depth + 1))
    : Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${write(member, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const line = `${open}${members.join(', ')}${close}`;
  if (line.length + 2 * depth <= 120 && !line.includes('\n')) return line;
  const indent = '  '.repeat(depth);
  return `${open}\n${members.map(member => `${indent}  ${member}`).join(',\n')}\n${indent}${close}`;
}

/**
 * The report as JSON that `schema/audit-report.schema.json` describes: one line for each
 * unit, so that two reports can be compared line by line. Throws where a number is not finite, and names it.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit } from 'reluminate/audit';
 * import { renderJson } from 'reluminate/report';
 * import { buildNetwork } from 'reluminate/train';
 * const text = renderJson(await audit(buildNetwork('mlp:2-3-1', { rectifier: parseRectifier('relu') }), null));
 * text.startsWith('{\n  "schemaVersion": 1'); // => true
 * JSON.parse(text).totals.units; // => 3
 */
export function renderJson(report: AuditReport): string {
  const foreign = firstForeign(report);
  if (foreign !== null) {
    throw new TypeError(`renderJson: numbers must be finite, got ${foreign[1]} at ${foreign[0].slice(1)}`);
  }
  return `${write(report, 0)}\n`;
}
