import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Architecture, formatNetwork } from './architecture.js';
import { completeNetwork, parseNetwork } from './parse-network.js';

const conv = (channels: number, stride: 1 | 2 = 1) => ({ kind: 'conv', channels, stride });
const pool = { kind: 'pool' };

describe('parseNetwork', () => {
  test.each<[string, unknown]>([
    ['mlp:784-256-256-10', { kind: 'mlp', inputDims: [784], hidden: [256, 256], outputs: 10 }],
    [' MLP: 2 - 16x3 - 2 ', { kind: 'mlp', inputDims: [2], hidden: [16, 16, 16], outputs: 2 }],
    ['mlp:1x28x28-10', { kind: 'mlp', inputDims: [1, 28, 28], hidden: [], outputs: 10 }],
    ['mlp:28x28-16x1-10', { kind: 'mlp', inputDims: [28, 28], hidden: [16], outputs: 10 }],
    [
      'cnn:1x28x28-16-pool-32/2-8x2-dense64-10',
      {
        kind: 'cnn',
        inputDims: [1, 28, 28],
        parts: [conv(16), pool, conv(32, 2), conv(8), conv(8), { kind: 'dense', width: 64 }],
        outputs: 10,
      },
    ],
    [
      'resnet:3x32x32-16x2-32-10',
      {
        kind: 'resnet',
        inputDims: [3, 32, 32],
        stages: [
          { channels: 16, blocks: 2 },
          { channels: 32, blocks: 1 },
        ],
        outputs: 10,
      },
    ],
  ])('%s', (text, architecture) => {
    expect(parseNetwork(text)).toEqual(architecture);
  });

  test('formatNetwork is its inverse', () => {
    const size = fc.integer({ min: 1, max: 999 });
    const image = fc.tuple(size, size, size);
    const convPart = fc.oneof(
      fc.record({
        kind: fc.constant('conv' as const),
        channels: size,
        stride: fc.constantFrom(1 as const, 2 as const),
      }),
      fc.constant({ kind: 'pool' as const }),
    );
    const densePart = fc.record({ kind: fc.constant('dense' as const), width: size });
    const architectures: fc.Arbitrary<Architecture> = fc.oneof(
      fc.record({
        kind: fc.constant('mlp' as const),
        inputDims: fc.array(size, { minLength: 1, maxLength: 4 }),
        hidden: fc.array(fc.constantFrom(1, 16, 256), { maxLength: 8 }),
        outputs: size,
      }),
      fc.record({
        kind: fc.constant('cnn' as const),
        inputDims: image,
        parts: fc.tuple(fc.array(convPart), fc.array(densePart)).map(([first, last]) => [...first, ...last]),
        outputs: size,
      }),
      fc.record({
        kind: fc.constant('resnet' as const),
        inputDims: image,
        stages: fc.array(fc.record({ channels: size, blocks: fc.integer({ min: 1, max: 9 }) }), { minLength: 1 }),
        outputs: size,
      }),
    );
    fc.assert(
      fc.property(architectures, made => {
        expect(parseNetwork(formatNetwork(made))).toEqual(made);
      }),
    );
  });

  test.each([
    ['', 'parseNetwork: the network must be written like mlp:784-256x2-10, cnn:'],
    ['784-10', 'the network must be written like'],
    ['rnn:784-10', 'the network must be written like'],
    ['mlp:784', 'there must be an input and outputs, as in mlp:784-256x2-10, got one part'],
    ['mlp:784-0-10', "parts must be whole numbers from 1 up, as in 256 or 256x3, got '0' in 'mlp:784-0-10'"],
    ['mlp:784--10', "parts must be whole numbers from 1 up, as in 256 or 256x3, got ''"],
    ['mlp:784-2x2x2-10', "parts must be whole numbers from 1 up, as in 256 or 256x3, got '2x2x2'"],
    ['mlp:784-2.5-10', "got '2.5'"],
    ['mlp:x-10', 'the input must be whole numbers, as in 784 or 1x28x28'],
    ['mlp:784-256x10', "the last part must be the number of outputs, got '256x10'"],
    ['mlp:784-256x1001-10', "there must be at most 1000 layers, got '256x1001'"],
    ['mlp:784-256x600-128x600-10', 'there must be at most 1000 layers, got 1200'],
    ['cnn:784-16-10', 'the input must be channels, height and width, as in 1x28x28, got 784'],
    ['cnn:1x8x8-dense8-4-10', 'behind a dense layer there must be dense layers only, got a conv'],
    ['cnn:1x8x8-dense0-10', "got '0'"],
    ['cnn:1x8x8-4/3-10', "got '4/3'"],
    ['cnn:1x8x8-4-pool', "the last part must be the number of outputs, got 'pool'"],
    ['resnet:1x8x8-10', 'there must be a stage, as in 16x2, got none'],
    ['resnet:1x8x8-pool-10', "got 'pool'"],
  ])('refuses %j', (text, message) => {
    expect(() => parseNetwork(text)).toThrow(RangeError);
    expect(() => parseNetwork(text)).toThrow(message);
  });

  test('refuses what is no text', () => {
    expect(() => parseNetwork(3 as never)).toThrow(TypeError);
  });
});

describe('completeNetwork', () => {
  const digits = { name: 'digits', inputDims: [1, 28, 28], outputs: 10 };
  const iris = { name: 'iris', inputDims: [4], outputs: 3 };

  test.each<[string, { name: string; inputDims: number[]; outputs: number }, string]>([
    ['mlp:256-128', digits, 'mlp:1x28x28-256-128-10'],
    ['mlp:256x3', digits, 'mlp:1x28x28-256x3-10'],
    ['mlp:784-256-10', digits, 'mlp:1x28x28-256-10'],
    ['mlp:1x28x28-256-10', digits, 'mlp:1x28x28-256-10'],
    ['mlp:16', iris, 'mlp:4-16-3'],
    ['mlp:3', iris, 'mlp:4-3-3'],
    ['mlp:4', iris, 'mlp:4-4-3'],
    ['mlp:4-3', iris, 'mlp:4-3'],
    ['cnn:16-pool-32-pool', digits, 'cnn:1x28x28-16-pool-32-pool-10'],
    ['cnn:16-10', digits, 'cnn:1x28x28-16-10-10'],
    ['cnn:1x28x28-16-10', digits, 'cnn:1x28x28-16-10'],
    ['cnn:16', { ...digits, inputDims: [28, 28] }, 'cnn:1x28x28-16-10'],
    ['cnn:1x28x28-16-10', { ...digits, inputDims: [784] }, 'cnn:1x28x28-16-10'],
    ['resnet:16x2-32', digits, 'resnet:1x28x28-16x2-32x1-10'],
  ])('%s', (text, dataset, whole) => {
    expect(formatNetwork(completeNetwork(text, dataset))).toBe(whole);
  });

  test.each([
    [
      'mlp:784-256',
      digits,
      "completeNetwork: a network for 'digits' must have the ends mlp:1x28x28-…-10, or leave out both, got 'mlp:784-256'",
    ],
    ['mlp:256-10', digits, "must have the ends mlp:1x28x28-…-10, or leave out both, got 'mlp:256-10'"],
    ['cnn:1x28x28-16-5', digits, 'must have the ends cnn:1x28x28-…-10'],
    ['cnn:3x32x32-16-10', digits, 'must have the ends cnn:1x28x28-…-10'],
    ['cnn:1x28x28', digits, 'there must be an input and outputs'],
    ['cnn:16', iris, "'cnn:16' must be given its input, as in 1x28x28, got 'iris' with samples [4]"],
    ['resnet:16x2-pool', digits, "got 'pool'"],
    ['mlp:', iris, "parts must be whole numbers from 1 up, as in 256 or 256x3, got ''"],
  ])('refuses %s', (text, dataset, message) => {
    expect(() => completeNetwork(text, dataset)).toThrow(message);
  });
});
