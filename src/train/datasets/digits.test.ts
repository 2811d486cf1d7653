import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { digits } from './digits.js';

const countsOf = (targets: ArrayLike<number>) => {
  const counts = new Array<number>(10).fill(0);
  for (const target of Array.from(targets)) counts[target]!++;
  return counts;
};
const sha256 = (array: ArrayBufferView) =>
  createHash('sha256')
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest('hex');
const imagesOf = ({ inputs, count }: { inputs: Float32Array; count: number }) =>
  Array.from({ length: count }, (_, i) => sha256(inputs.slice(784 * i, 784 * (i + 1))));

test('10,000 digits in two fixed parts: sizes, classes, range and checksum', async () => {
  const { train, test } = await digits();
  expect([train.count, test.count]).toEqual([8000, 2000]);
  expect(countsOf(train.targets)).toEqual([801, 902, 793, 826, 784, 690, 811, 856, 755, 782]);
  expect(countsOf(test.targets)).toEqual([200, 225, 198, 206, 196, 173, 203, 214, 189, 196]);
  for (const part of [train, test]) {
    expect(part).toMatchObject({ name: 'digits', inputDims: [1, 28, 28], classes: 10, outputs: 10 });
    expect(part.inputs.length).toBe(part.count * 784);
    expect(part.targets.length).toBe(part.count);
    expect(part.inputs.every(value => value >= 0 && value <= 1)).toBe(true);
  }
  expect(sha256(train.inputs)).toBe('e5cf11c2bb96ab514f35c42c1060d3e850b99c974a61f2d629cbc58454881ef3');
  expect(sha256(test.inputs)).toBe('95c974d0d952c2d38bf6a7d6e74fb3beec3bbde6aca980b26cd6f7cee60fd3bb');
});

test('no image of the test part is in the training part', async () => {
  const { train, test } = await digits();
  const seen = new Set(imagesOf(train));
  expect(imagesOf(test).filter(hash => seen.has(hash))).toEqual([]);
});
