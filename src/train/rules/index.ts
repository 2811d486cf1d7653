import type { Rule } from '../rule.js';
import * as arithmetic from './arithmetic.js';
import * as convolution from './convolution.js';
import * as elementwise from './elementwise.js';
import * as matrix from './matrix.js';
import * as normalization from './normalization.js';
import * as pool from './pool.js';
import * as rectifiers from './rectifiers.js';
import * as reduce from './reduce.js';
import { resize } from './resize.js';
import * as scatter from './scatter.js';
import * as shape from './shape.js';
import * as softmax from './softmax.js';

export { stops } from './stops.js';

/** The rule of each operator. To add one, see docs/train-rules.md. */
export const rules: ReadonlyMap<string, Rule> = new Map([
  ['Abs', elementwise.abs],
  ['Add', arithmetic.add],
  ['AveragePool', pool.averagePool],
  ['BatchNormalization', normalization.batchNormalization],
  ['Cast', elementwise.cast],
  ['CastLike', elementwise.cast],
  ['Celu', rectifiers.celu],
  ['Clip', rectifiers.clip],
  ['Concat', shape.concat],
  ['Conv', convolution.conv],
  ['ConvTranspose', convolution.convTranspose],
  ['Cos', elementwise.cos],
  ['Div', arithmetic.div],
  ['Dropout', normalization.dropout],
  ['Elu', rectifiers.elu],
  ['Erf', elementwise.erf],
  ['Exp', elementwise.exp],
  ['Expand', arithmetic.expand],
  ['Flatten', shape.reshape],
  ['Gather', scatter.gather],
  ['GatherElements', scatter.gatherElements],
  ['GatherND', scatter.gatherND],
  ['Gelu', elementwise.gelu],
  ['Gemm', matrix.gemm],
  ['GlobalAveragePool', pool.globalAveragePool],
  ['GlobalMaxPool', pool.globalMaxPool],
  ['HardSigmoid', elementwise.hardSigmoid],
  ['HardSwish', elementwise.hardSwish],
  ['Identity', elementwise.identity],
  ['LayerNormalization', normalization.layerNormalization],
  ['LeakyRelu', rectifiers.leakyRelu],
  ['Log', elementwise.log],
  ['LogSoftmax', softmax.logSoftmax],
  ['MatMul', matrix.matMul],
  ['Max', arithmetic.max],
  ['MaxPool', pool.maxPool],
  ['Mean', arithmetic.mean],
  ['Min', arithmetic.min],
  ['Mul', arithmetic.mul],
  ['Neg', elementwise.neg],
  ['PRelu', rectifiers.prelu],
  ['Pad', shape.pad],
  ['Pow', arithmetic.pow],
  ['Reciprocal', elementwise.reciprocal],
  ['ReduceL1', reduce.reduceL1],
  ['ReduceL2', reduce.reduceL2],
  ['ReduceLogSumExp', reduce.reduceLogSumExp],
  ['ReduceMax', reduce.reduceMax],
  ['ReduceMean', reduce.reduceMean],
  ['ReduceMin', reduce.reduceMin],
  ['ReduceSum', reduce.reduceSum],
  ['ReduceSumSquare', reduce.reduceSumSquare],
  ['Relu', rectifiers.relu],
  ['Reshape', shape.reshape],
  ['Resize', resize],
  ['ScatterElements', scatter.scatterElements],
  ['ScatterND', scatter.scatterND],
  ['Selu', rectifiers.selu],
  ['Sigmoid', elementwise.sigmoid],
  ['Sin', elementwise.sin],
  ['Slice', shape.slice],
  ['Softmax', softmax.softmax],
  ['Softplus', elementwise.softplus],
  ['Softsign', elementwise.softsign],
  ['Split', shape.split],
  ['Sqrt', elementwise.sqrt],
  ['Squeeze', shape.reshape],
  ['Sub', arithmetic.sub],
  ['Sum', arithmetic.sum],
  ['Tanh', elementwise.tanh],
  ['ThresholdedRelu', rectifiers.thresholdedRelu],
  ['Transpose', shape.transpose],
  ['Unsqueeze', shape.reshape],
  ['Where', arithmetic.where],
]);
