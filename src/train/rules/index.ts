import type { Rule } from '../rule.js';
import * as arithmetic from './arithmetic.js';
import * as elementwise from './elementwise.js';
import * as matrix from './matrix.js';
import * as reduce from './reduce.js';
import * as shape from './shape.js';
import * as softmax from './softmax.js';

/** The rule of each operator. To add one, see docs/train-rules.md. */
export const rules: ReadonlyMap<string, Rule> = new Map([
  ['Abs', elementwise.abs],
  ['Add', arithmetic.add],
  ['Clip', elementwise.clip],
  ['Div', arithmetic.div],
  ['Elu', elementwise.elu],
  ['Exp', elementwise.exp],
  ['Flatten', shape.reshape],
  ['Gemm', matrix.gemm],
  ['Identity', elementwise.identity],
  ['LeakyRelu', elementwise.leakyRelu],
  ['Log', elementwise.log],
  ['LogSoftmax', softmax.logSoftmax],
  ['MatMul', matrix.matMul],
  ['Max', arithmetic.max],
  ['Min', arithmetic.min],
  ['Mul', arithmetic.mul],
  ['Neg', elementwise.neg],
  ['PRelu', elementwise.prelu],
  ['Pow', arithmetic.pow],
  ['ReduceMean', reduce.reduceMean],
  ['ReduceSum', reduce.reduceSum],
  ['Relu', elementwise.relu],
  ['Reshape', shape.reshape],
  ['Sigmoid', elementwise.sigmoid],
  ['Softmax', softmax.softmax],
  ['Softplus', elementwise.softplus],
  ['Sqrt', elementwise.sqrt],
  ['Squeeze', shape.reshape],
  ['Sub', arithmetic.sub],
  ['Sum', arithmetic.sum],
  ['Tanh', elementwise.tanh],
  ['Unsqueeze', shape.reshape],
]);
