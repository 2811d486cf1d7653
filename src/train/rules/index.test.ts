import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rules, stops } from './index.js';

const page = readFileSync(new URL('../../../docs/train-rules.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## Operators'), page.indexOf('## To add a rule'));

const quoted = (text: string) => Array.from(text.matchAll(/`(\w+)`/g), ([, name]) => name as string);

it('is the table of docs/train-rules.md', () => {
  const rows = section.split('\n').filter(line => line.startsWith('| `'));
  const named = rows.flatMap(row => quoted(row.split('|')[1] as string));
  expect(named.toSorted()).toEqual([...rules.keys()].toSorted());
});

it('stops the gradient where docs/train-rules.md says so', () => {
  const list = section.slice(section.indexOf('The gradient stops at these'), section.indexOf('Any other operator'));
  expect(quoted(list).toSorted()).toEqual([...stops].toSorted());
  for (const name of stops) expect(rules.has(name)).toBe(false);
});
