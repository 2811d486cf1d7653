import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutMiddle, displayWidth, labels, printable } from './names.js';
import { hostileNames } from './sample-report.js';

const anyName = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }));

describe('printable', () => {
  test('drops escapes, control characters, bidirectional controls and lone surrogates', () => {
    expect(hostileNames.map(printable)).toEqual([
      '</script><script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      'red <b>bold</b> & "quotes\'',
      'gnitrever/conv/Relu',
      '层/卷积/🦊\ufffd',
      '<!-- --> ]]> $\u007balert(1)} `x` {{y}}',
    ]);
    expect(printable('\u001b]0;title\u0007\u009b1mx\r\n\u2028')).toBe('x');
    expect(printable('\u200b')).toBe('(unnamed)');
  });

  test('leaves nothing that moves the cursor or turns the text', () => {
    fc.assert(fc.property(anyName, name => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(printable(name))));
  });
});

test('displayWidth counts terminal columns', () => {
  expect(['abc', '层', '🦊', 'é', 'e\u0301'].map(displayWidth)).toEqual([3, 2, 2, 1, 1]);
});

describe('cutMiddle', () => {
  test('keeps both ends', () => {
    expect(cutMiddle('backbone/stage1/relu', 11)).toBe('back…1/relu');
    expect(cutMiddle('short', 11)).toBe('short');
  });

  test('never exceeds its width', () => {
    fc.assert(
      fc.property(anyName, fc.integer({ min: 1, max: 40 }), (name, width) => {
        expect(displayWidth(cutMiddle(printable(name), width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('labels', () => {
  test('keeps names whole where all fit', () => {
    expect(labels(['a/relu', 'b/relu'], 10)).toEqual(['a/relu', 'b/relu']);
  });

  test('drops what all names share first', () => {
    const names = ['backbone/stage1/block_1/Relu', 'backbone/stage1/block_2/Relu', 'backbone/head/out/Relu'];
    expect(labels(names, 20)).toEqual(['…stage1/block_1…', '…stage1/block_2…', '…head/out…']);
  });

  test('abbreviates words where cutting would make two names the same', () => {
    const names = [1, 2, 3].map(n => `stage${n}/block${n}/expansion`);
    expect(labels(names, 15)).toEqual(
      ['stag1/bloc1/exp', 'stag2/bloc2/exp', 'stag3/bloc3/exp'].map(() => expect.any(String)),
    );
    expect(new Set(labels(names, 15)).size).toBe(3);
    expect(labels(names, 15)[1]).toMatch(/2.*2/);
  });

  test('tells names of 250 characters apart that differ in one', () => {
    const names = Array.from(
      { length: 60 },
      (_, n) => `${'scope_with_long_name/'.repeat(8)}block_${n}/${'x'.repeat(80)}/Relu`,
    );
    expect(new Set(labels(names, 24)).size).toBe(60);
  });

  test('are distinct and fit, whatever the names', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyName, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 8, max: 40 }),
        (names, width) => {
          const short = labels(names, width);
          expect(new Set(short).size).toBe(names.length);
          for (const label of short) expect(displayWidth(label)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
