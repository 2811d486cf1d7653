import { expect, it } from 'vitest';
import { modelOf } from '../../test/models.js';
import { floatTensor, graph, intTensor, node, valueInfo } from '../onnx/build.js';
import { fixedNumbers } from './fixed-numbers.js';

it('finds what follows from constants and dimensions, and nothing else', async () => {
  const branch = graph({ nodes: [node('Identity', ['scale'], ['out'])], outputs: [valueInfo('out')] });
  const model = modelOf({
    nodes: [
      node('Shape', ['x'], ['shape']),
      node('Mul', ['shape', 'twice'], ['sizes']),
      node('Split', ['pads'], ['front', 'behind'], { axis: 0 }),
      node('Concat', ['behind', 'front'], ['turned'], { axis: 0 }),
      node('Relu', ['x'], ['y']),
      node('Shape', ['y'], ['later']),
      node('Cast', ['y'], ['floats'], { to: 7 }),
      node('Add', ['floats', 'twice'], ['varying']),
      node('RandomUniformLike', ['scale'], ['chance']),
      node('Cast', ['scale'], ['half'], { to: 10 }),
      node('Greater', ['shape', 'twice'], ['truth']),
      node('If', ['yes'], ['chosen'], { then_branch: branch, else_branch: branch }),
      node('Not', ['no'], ['yes']),
    ],
    inputs: [valueInfo('x', ['n', 3])],
    initializers: [
      intTensor('twice', [1], [2]),
      intTensor('pads', [4], [0, 1, -2, 3]),
      floatTensor('scale', [2], [1.5, 2]),
      { ...floatTensor('no', [], [0]), dataType: 9, floatData: [], rawData: Uint8Array.of(0) },
    ],
  });
  const written = model.proto.graph?.node.flatMap(({ output }) => output) ?? [];
  const found = await fixedNumbers(model, { x: [5, 3] }, written, { threads: 1 });
  expect(Object.fromEntries(found)).toEqual({
    shape: [5, 3],
    sizes: [10, 6],
    front: [0, 1],
    behind: [-2, 3],
    turned: [-2, 3, 0, 1],
    later: [5, 3],
    truth: [1, 1],
    yes: [1],
  });
});

it('leaves out dimensions that follow from numbers', async () => {
  const model = modelOf({
    nodes: [
      node('NonZero', ['x'], ['places']),
      node('Size', ['places'], ['count']),
      node('Identity', ['places'], ['same']),
      node('Shape', ['same'], ['shape']),
      node('Cast', ['x'], ['whole'], { to: 7 }),
      // Not to be run: zeros are no shape of four numbers.
      node('Reshape', ['x', 'whole'], ['shaped']),
      node('Size', ['shaped'], ['numbers/shaped']),
      node('Reshape', ['x', 'twos'], ['square']),
      node('Shape', ['square'], ['sides']),
      node('Tile', ['x', 'two'], ['twice']),
      node('Size', ['twice'], ['numbers']),
    ],
    inputs: [valueInfo('x', [4])],
    initializers: [intTensor('twos', [2], [2, 2]), intTensor('two', [1], [2])],
  });
  const asked = ['count', 'shape', 'numbers/shaped', 'sides', 'numbers'];
  const found = await fixedNumbers(model, { x: [4] }, asked, { threads: 1 });
  expect(Object.fromEntries(found)).toEqual({ sides: [2, 2], numbers: [8] });
});

it('runs nothing where there is nothing to find', async () => {
  const model = modelOf({ nodes: [node('Relu', ['x'], ['y'])], inputs: [valueInfo('x', ['n'])] });
  expect(await fixedNumbers(model, { x: [2] }, ['x', 'y'], {})).toEqual(new Map());
});
