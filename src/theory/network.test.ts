import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { parseInitializer } from './initializer.js';
import { checkNetwork, describeNetwork, type LayerDescription, parseWidths } from './network.js';

const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') };

describe('describeNetwork', () => {
  test('makes a layer between any two widths, with a rectifier behind all but the last', () => {
    const network = describeNetwork([4, 3, 1], options);
    expect(network.map(({ fanIn, fanOut, rectifier }) => [fanIn, fanOut, rectifier?.name])).toEqual([
      [4, 3, 'relu'],
      [3, 1, undefined],
    ]);
    expect(network[1]?.weightVariance).toBe(1);
  });

  test('puts behind the last layer what it is told', () => {
    expect(describeNetwork([1, 1], { ...options, last: options.rectifier })[0]?.rectifier).toBe(options.rectifier);
  });

  test('gives each layer its own rectifier and initializer', () => {
    const rectifier = [options.rectifier, parseRectifier('leaky:0.2')];
    const initializer = ['lecun', 'he', 'pytorch'].map(parseInitializer);
    const network = describeNetwork([4, 4, 4, 1], { rectifier, initializer });
    expect(network.map(layer => layer.rectifier?.name)).toEqual(['relu', 'leaky:0.2', undefined]);
    expect(network.map(({ weightVariance }) => weightVariance)).toEqual(
      [1, 2 / 1.04, 1 / 3].map(x => expect.closeTo(x, 12)),
    );
  });

  test('refuses lists that do not fit, and names in place of rectifiers', () => {
    expect(() => describeNetwork([4, 4, 4], { ...options, rectifier: [options.rectifier, options.rectifier] })).toThrow(
      'describeNetwork: rectifier must be one, or one for each of 1 layers but the last, got 2',
    );
    expect(() => describeNetwork([4, 4, 4], { ...options, initializer: [] })).toThrow('each of 2 layers, got 0');
    expect(() => describeNetwork([4, 4, 4], { ...options, initializer: 'he' as never })).toThrow(
      "describeNetwork: initializer must be an initializer, such as parseInitializer('he'), got 'he'",
    );
    expect(() => describeNetwork([4, 4, 4], { ...options, rectifier: 'relu' as never })).toThrow(
      "describeNetwork: rectifier must be a rectifier, such as parseRectifier('relu'), got 'relu'",
    );
  });

  test.each([
    [[], 'describeNetwork: there must be two widths or more, input first, got 0'],
    [[5], 'describeNetwork: there must be two widths or more, input first, got 1'],
    [[5, 0], 'describeNetwork: width 1 must be a whole number from 1 to 2^53 - 1, got 0'],
    [[5, Number.NaN], 'describeNetwork: width 1 must be a whole number'],
  ])('refuses the widths %j', (widths, message) => {
    expect(() => describeNetwork(widths, options)).toThrow(message);
  });
});

describe('parseWidths', () => {
  test.each([
    ['784-10', [784, 10]],
    ['2x3', [2, 2, 2]],
    [' 1 - 2x2 - 1 ', [1, 2, 2, 1]],
  ])("reads '%s'", (text, widths) => {
    expect(parseWidths(text)).toEqual(widths);
  });

  test.each(['', '7', '7x1', '7-', '7-0', '7-2x0', '7--2', '7-2.5', '7x-2', '2x999999'])("refuses '%s'", text => {
    expect(() => parseWidths(text)).toThrow(RangeError);
  });

  test('refuses what is no string', () => {
    expect(() => parseWidths(5 as never)).toThrow(
      'parseWidths: the widths must be a string such as 784-256x2-10, got 5',
    );
  });

  test('says how often a width may be repeated', () => {
    expect(() => parseWidths('2x100001')).toThrow('at most 100,000 times');
    expect(parseWidths('2x100000').length).toBe(100_000);
  });
});

describe('checkNetwork', () => {
  const [layer] = describeNetwork([2, 2], options) as [LayerDescription];

  test('gives back a network that is one', () => {
    expect(checkNetwork('here', [layer, layer])).toEqual([layer, layer]);
  });

  test.each([
    [[], 'here: the network must have a layer'],
    [[layer, { ...layer, fanIn: 3 }], 'here: fanIn of layer 1 must be 2, the fanOut of the layer before, got 3'],
    [[{ ...layer, fanOut: 0 }], 'here: fanOut of layer 0 must be a whole number'],
    [[{ ...layer, weightVariance: 0 }], 'here: weightVariance of layer 0 must be greater than 0, got 0'],
    [[{ ...layer, biasVariance: -1 }], 'here: biasVariance of layer 0 must be at least 0, got -1'],
    [null as never, 'here: the network must be layers, got null'],
    [[null as never], "here: layer 0 must be a layer's description, got null"],
    [
      [{ ...layer, distribution: 'cauchy' as never }],
      "here: distribution of layer 0 must be one of normal, uniform, orthogonal, got 'cauchy'",
    ],
    [[{ ...layer, rectifier: 'relu' as never }], 'here: rectifier of layer 0 must be a rectifier, such as'],
    [[{ ...layer, biasVariance: Number.NaN }], 'here: biasVariance of layer 0 must be finite, got NaN'],
  ])('refuses what is none', (network, message) => {
    expect(() => checkNetwork('here', network)).toThrow(message);
  });
});
