import { describe, expect, it } from 'vitest';
import { checkOperator } from '../../../test/gradient-check.js';

describe.each(['Softmax', 'LogSoftmax'])('%s', opType => {
  it.each([-1, 0, 1, 2])('axis %d', async axis => {
    const { errors, forward } = await checkOperator(opType, [[3, 4, 5]], { attributes: { axis } });
    expect(forward).toBeLessThan(1e-6);
    expect(errors.i0).toBeLessThan(3e-6);
  });
  it.each([0, 1, 2, -1])('axis %d up to opset 12, from which on all axes share a sum', async axis => {
    const { errors, forward } = await checkOperator(opType, [[3, 2, 5]], { opset: 11, attributes: { axis } });
    expect(forward).toBeLessThan(1e-6);
    expect(errors.i0).toBeLessThan(3e-6);
  });
});
