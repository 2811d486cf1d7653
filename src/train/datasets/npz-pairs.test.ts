import { expect, test } from 'vitest';
import { pairNames } from './npz-pairs.js';

test.each([
  [['x', 'y'], ['x', 'y'], null],
  [['Y', 'ids', 'X'], ['X', 'Y'], null],
  [['labels', 'inputs'], ['inputs', 'labels'], null],
  [
    ['x_test', 'x_train', 'y_train', 'y_test'],
    ['x_train', 'y_train'],
    ['x_test', 'y_test'],
  ],
  [['train_images', 'train_labels'], ['train_images', 'train_labels'], null],
])('%j', (names, train, test) => {
  expect(pairNames(names, 'a.npz')).toEqual({ train, test });
});

test('the target may have another name', () => {
  expect(pairNames(['x', 'y', 'Age'], 'a.npz', 'Age').train).toEqual(['x', 'Age']);
  const names = ['x_train', 'age_train', 'y_train', 'x_test', 'age_test'];
  expect(pairNames(names, 'a.npz', 'age')).toEqual({
    train: ['x_train', 'age_train'],
    test: ['x_test', 'age_test'],
  });
});

test.each([
  [['x'], undefined, "the archive must hold targets, such as 'y', got arrays 'x'"],
  [['y', 'z'], undefined, "the archive must hold inputs, such as 'x', got arrays 'y', 'z'"],
  [['a', 'b'], undefined, "the archive must hold inputs and targets, such as 'x' and 'y', got arrays 'a', 'b'"],
  [['x', 'y'], 'age', "the archive must hold targets, such as 'age', got arrays 'x', 'y'"],
  [['x_train', 'y_test'], undefined, "the archive must hold targets to train on, such as 'y_train'"],
  [['x_train', 'y_train', 'x_test'], undefined, "the archive must hold targets to test on, such as 'y_test'"],
])('refuses %j', (names, target, message) => {
  expect(() => pairNames(names, 'a.npz', target)).toThrow(`dataset 'a.npz': ${message}`);
});
