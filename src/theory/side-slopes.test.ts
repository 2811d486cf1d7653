import { expect, test } from 'vitest';
import { parseRectifier, rectifierNames } from '../rectifiers/index.js';
import { parseInitializer } from './initializer.js';
import { jacobian } from './jacobian.js';
import { simulateJacobian } from './jacobian-simulation.js';
import { describeNetwork } from './network.js';
import { normRatio } from './norm-ratio.js';
import { gateMoment, hasRandomSlope, refuseRandomSlopes, sideSlopes } from './side-slopes.js';
import { signal } from './signal.js';
import { simulateSignal } from './signal-simulation.js';

test('two lines through 0 are told from everything else', () => {
  expect(sideSlopes(null)).toEqual({ above: 1, below: 1 });
  expect(sideSlopes(parseRectifier('relu'))).toEqual({ above: 1, below: 0 });
  expect(sideSlopes(parseRectifier('leaky:-1.5'))).toEqual({ above: 1, below: -1.5 });
  expect(sideSlopes(parseRectifier('thresholded:0'))).toEqual({ above: 1, below: 0 });
  const lines = rectifierNames.filter(name => sideSlopes(parseRectifier(name)) !== null);
  expect(lines).toEqual(['relu', 'leaky', 'prelu', 'rrelu', 'rrelu-xu2015']);
});

test('moments of a gate that is open half of the time', () => {
  expect(gateMoment({ above: 1, below: 0 }, 4)).toBe(0.5);
  expect(gateMoment({ above: 1, below: -2 }, 2)).toBe(2.5);
  expect(gateMoment({ above: 1, below: -2 }, 4)).toBe(8.5);
});

test('slopes that training draws are told from fixed ones', () => {
  const random = rectifierNames.filter(name => hasRandomSlope(parseRectifier(name)));
  expect(random).toEqual(['rrelu', 'rrelu-xu2015']);
  expect(hasRandomSlope(null)).toBe(false);
  const network = describeNetwork([3, 3, 3], {
    rectifier: parseRectifier('rrelu:0.25,0.75'),
    initializer: parseInitializer('he'),
  });
  expect(() => refuseRandomSlopes('here', network)).toThrow(
    'here: slopes must be fixed, got rrelu:0.25,0.75 (its slope in evaluation is that of leaky:0.5)',
  );
  for (const refusing of [normRatio, jacobian, simulateSignal, simulateJacobian])
    expect(() => refusing(network)).toThrow(`${refusing.name}: slopes must be fixed`);
  // In training, exactly: He's weights have the gain for E r².
  expect(signal(network).backward.ratio).toBeCloseTo(1, 12);
});
