import { Failure } from '../../failure.js';
import { floatAttribute, intAttribute } from '../../onnx/attributes.js';
import { elements, type Rule, sumOver, sumTo } from '../rule.js';

/**
 * y = γ x̂ + β, x̂ = (x - μ) s, s = 1 / √(σ² + ε) for each channel. With batch statistics the gradient passes through μ and σ² (Ioffe &
 * Szegedy 2015): dx = γ s (dy - mean(dy) - x̂ mean(dy x̂)); the node gets its values from what the gradient needs as well, which for matrices takes
 * a third of the time of ONNX Runtime's kernel and a gradient of its own (measured). With frozen ones it is affine in x, and μ and σ² are inputs like others.
 */
export const batchNormalization: Rule = (context, [dy, ...running]) => {
  const { node } = context;
  const [x, gamma, beta, mean, variance] = node.input as [string, string, string, string, string];
  if (running.some(gradient => gradient != null))
    throw new Failure('input', 'the loss must not depend on its running statistics, got one that does');
  if (dy == null) return [];
  const dims = context.dims(x);
  const axes = [...dims.keys()].filter(axis => axis !== 1);
  const channels = dims[1] as number;
  const broadcast = dims.map((dim, axis) => (axis === 1 ? dim : 1));
  const op = (opType: string, ...inputs: string[]) => context.op(opType, inputs);
  const perChannel = (value: string) => op('Reshape', value, context.ints(broadcast));
  const settled = (value: string) => op('Reshape', value, context.ints([channels]));
  const sum = (value: string) => sumOver(context, value, dims, axes);
  const share = context.scalar(channels / elements(dims));
  const training = intAttribute(node, 'training_mode', 0) === 1;
  const center = training ? op('Mul', sum(x), share) : perChannel(mean);
  const centered = op('Sub', x, center);
  const spread = training ? op('Mul', sum(op('Mul', centered, centered)), share) : perChannel(variance);
  const epsilon = context.scalar(floatAttribute(node, 'epsilon', 1e-5));
  const scale = op('Reciprocal', op('Sqrt', op('Add', spread, epsilon)));
  const slope = op('Mul', perChannel(gamma), scale);
  if (training) {
    const momentum = floatAttribute(node, 'momentum', 0.9);
    const renewed = (old: string, now: string) =>
      op('Add', op('Mul', old, context.scalar(momentum)), op('Mul', settled(now), context.scalar(1 - momentum)));
    const [, newMean, newVariance] = node.output;
    context.replace([
      op('Add', op('Mul', centered, slope), perChannel(beta)),
      newMean ? renewed(mean, center) : null,
      newVariance ? renewed(variance, spread) : null,
    ]);
  }
  const total = sum(dy);
  const weighted = sum(op('Mul', dy, centered));
  const squared = op('Mul', scale, scale);
  const dx = () => {
    if (!training) return op('Mul', dy, slope);
    const tilt = op('Mul', centered, op('Mul', op('Mul', weighted, squared), share));
    return op('Mul', op('Sub', dy, op('Add', tilt, op('Mul', total, share))), slope);
  };
  const dmean = () => settled(op('Neg', op('Mul', slope, total)));
  const dvariance = () => settled(op('Mul', op('Mul', op('Mul', slope, squared), weighted), context.scalar(-0.5)));
  const dgamma = () => settled(op('Mul', weighted, scale));
  const gradients = [dx, dgamma, () => settled(total), ...(training ? [] : [dmean, dvariance])];
  return gradients.map((gradient, index) => (context.wants(index) ? gradient() : null));
};

/** What was kept is scaled by 1 / (1 - ratio) in both directions; outside of training nothing happens. */
export const dropout: Rule = (context, [dy]) => {
  if (dy == null) return [];
  const [, ratio, mode] = context.node.input;
  const training = mode ? context.constant(2) : [0];
  if (training === null)
    throw new Failure('input', 'training_mode must be constant to be differentiated, got a computed one');
  if (training[0] === 0) return [dy];
  const kept = context.op('CastLike', [context.output(1), dy]);
  const dropped = ratio ? context.constant(1) : [0.5];
  const factor = dropped
    ? context.scalar(1 / (1 - (dropped[0] as number)))
    : context.op('Reciprocal', [context.op('Sub', [context.scalar(1), ratio as string])]);
  return [context.op('Mul', [context.op('Mul', [dy, kept]), factor])];
};

/**
 * y = γ x̂ + β, x̂ = (x - μ) s over the axes from `axis` on (Ba, Kiros & Hinton 2016). With g = γ dy: dx = s (g - mean(g) - x̂ mean(g x̂)); μ and s are what the
 * node gives as further outputs.
 */
export const layerNormalization: Rule = (context, [dy, ...moments]) => {
  if (moments.some(gradient => gradient != null))
    throw new Failure('input', 'the loss must not depend on its mean and deviation, got one that does');
  if (dy == null) return [];
  const [x, gamma, beta] = context.node.input as [string, string, string?];
  const dims = context.dims(x);
  const axis = intAttribute(context.node, 'axis', -1);
  const axes = [...dims.keys()].slice(axis < 0 ? axis + dims.length : axis);
  const share = context.scalar(1 / elements(axes.map(each => dims[each] as number)));
  const op = (opType: string, ...inputs: string[]) => context.op(opType, inputs);
  const mean = (value: string) => op('Mul', sumOver(context, value, dims, axes), share);
  const normalized = op('Mul', op('Sub', x, context.output(1)), context.output(2));
  const dx = () => {
    const g = op('Mul', dy, gamma);
    const tilt = op('Mul', normalized, mean(op('Mul', g, normalized)));
    return op('Mul', op('Sub', g, op('Add', tilt, mean(g))), context.output(2));
  };
  return [
    context.wants(0) ? dx() : null,
    context.wants(1) ? sumTo(context, op('Mul', dy, normalized), dims, context.dims(gamma)) : null,
    beta && context.wants(2) ? sumTo(context, dy, dims, context.dims(beta)) : null,
  ];
};
