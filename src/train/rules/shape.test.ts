import { expect, it } from 'vitest';
import {
  checkOperator,
  floats,
  ints,
  type OperatorCheckOptions,
  type OperatorInput,
} from '../../../test/gradient-check.js';

const last = 2 ** 31 - 1;
const cases: [string, OperatorInput[], OperatorCheckOptions?][] = [
  ['Reshape', [[2, 6], ints(3, -1)]],
  ['Flatten', [[2, 3, 4]], { attributes: { axis: 2 } }],
  ['Squeeze', [[2, 1, 3], ints(1)]],
  ['Squeeze', [[2, 1, 3]], { opset: 11, attributes: { axes: [1] } }],
  ['Unsqueeze', [[2, 3], ints(0, 2)]],
  ['Unsqueeze', [[2, 3]], { opset: 11, attributes: { axes: [1] } }],
  ['Transpose', [[2, 3, 4]]],
  ['Transpose', [[2, 3, 4]], { attributes: { perm: [1, 2, 0] } }],
  [
    'Concat',
    [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    { attributes: { axis: 1 } },
  ],
  [
    'Concat',
    [
      [2, 3],
      [1, 3],
    ],
    { attributes: { axis: -2 } },
  ],
  ['Concat', [[2, 3]], { attributes: { axis: 0 } }],
  ['Split', [[2, 5], ints(2, 3)], { attributes: { axis: 1 }, outputs: 2 }],
  ['Split', [[6]], { outputs: 3 }],
  ['Split', [[2, 5]], { opset: 11, attributes: { axis: 1, split: [4, 1] }, outputs: 2 }],
  ['Slice', [[5, 6], ints(1, 2), ints(4, 5)]],
  ['Slice', [[5, 6], ints(2), ints(last), ints(1)]],
  ['Slice', [[5, 6], ints(-3), ints(-1), ints(-1)]],
  ['Slice', [[5, 7], ints(1), ints(last), ints(1), ints(2)]],
  ['Slice', [[5, 7], ints(0, 1), ints(last, 6), ints(0, 1), ints(2, 3)]],
  ['Slice', [[5, 7], ints(-1), ints(-last), ints(1), ints(-1)]],
  ['Slice', [[5, 7], ints(5, 9), ints(0, 1), ints(1, 0), ints(-2, -1)]],
  ['Slice', [[5, 7], ints(-100), ints(100), ints(0), ints(3)]],
  ['Slice', [[5, 7]], { opset: 9, attributes: { starts: [1, 0], ends: [3, -1] } }],
  ['Tile', [[2, 3], ints(3, 2)]],
  ['Tile', [[2, 1, 3], ints(1, 4, 1)]],
  ['Tile', [[3, 2], ints(2, 1)], { opset: 9 }],
  ['Tile', [[3], ints(1)]],
  ['DepthToSpace', [[2, 12, 3, 2]], { attributes: { blocksize: 2 } }],
  ['DepthToSpace', [[1, 9, 1, 2]], { attributes: { blocksize: 3, mode: 'DCR' } }],
  ['DepthToSpace', [[2, 12, 3, 2]], { attributes: { blocksize: 2, mode: 'CRD' } }],
  ['DepthToSpace', [[2, 4, 1, 3]], { opset: 9, attributes: { blocksize: 2 } }],
  ['SpaceToDepth', [[2, 3, 4, 6]], { attributes: { blocksize: 2 } }],
  ['SpaceToDepth', [[1, 1, 3, 9]], { opset: 9, attributes: { blocksize: 3 } }],
  ['Trilu', [[3, 4]]],
  ['Trilu', [[2, 4, 3]], { attributes: { upper: 0 } }],
  ['Trilu', [[4, 5], { ints: [1], dims: [] }]],
  ['Trilu', [[4, 5], { ints: [-2], dims: [] }], { attributes: { upper: 0 } }],
  ['Pad', [[2, 3], ints(0, 1, 2, 3)]],
  ['Pad', [[2, 3], ints(0, 1, 2, 3), floats([], 4)]],
  ['Pad', [[4, 5], ints(0, -1, 2, -2)]],
  ['Pad', [[2, 3], ints(1, 2), '', ints(-1)], { opset: 18 }],
  ['Pad', [[2, 3]], { opset: 9, attributes: { pads: [0, 1, 2, 3] } }],
];

it.each(cases)('%s of %j %j', async (opType, inputs, options) => {
  const { errors } = await checkOperator(opType, inputs, options);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-6);
});
