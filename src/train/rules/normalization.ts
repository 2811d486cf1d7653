import { Failure } from '../../failure.js';
import { floatAttribute, intAttribute } from '../../onnx/attributes.js';
import { elements, type Rule, type RuleContext, reshaped, rule, sumOver, sumTo } from '../rule.js';

/** Operators without attributes. */
const plainly =
  (context: RuleContext) =>
  (opType: string, ...inputs: string[]): string =>
    context.op(opType, inputs);

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
  const op = plainly(context);
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
  const op = plainly(context);
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

/**
 * y = γ x̂ + β, x̂ = (x - μ) s over all of a group of channels of a sample (Wu & He 2018), as dx of a layer norm. γ and β have a number for each channel; before opset
 * 21 those of GroupNormalization had one for each group.
 */
const normalizedIn = (groupsOf: (context: RuleContext, channels: number) => number) =>
  rule((context, dy) => {
    const [x, gamma] = context.node.input as [string, string];
    const dims = context.dims(x);
    const [samples, channels] = dims as [number, number];
    const parts = context.dims(gamma)[0] as number;
    const rows = (count: number) => [samples, count, elements(dims) / (samples * count)];
    const [grouped, scaled] = [rows(groupsOf(context, channels)), rows(parts)];
    const op = plainly(context);
    const share = context.scalar(1 / (grouped[2] as number));
    const mean = (value: string) => op('Mul', sumOver(context, value, grouped, [2]), share);
    const flat = reshaped(context, x, dims, grouped);
    const centered = op('Sub', flat, mean(flat));
    const epsilon = context.scalar(floatAttribute(context.node, 'epsilon', 1e-5));
    const scale = op('Reciprocal', op('Sqrt', op('Add', mean(op('Mul', centered, centered)), epsilon)));
    const normalized = op('Mul', centered, scale);
    const given = reshaped(context, dy, dims, scaled);
    const dx = () => {
      const weighted = op('Mul', given, reshaped(context, gamma, [parts], [parts, 1]));
      const g = reshaped(context, weighted, scaled, grouped);
      const tilt = op('Mul', normalized, mean(op('Mul', g, normalized)));
      return reshaped(context, op('Mul', op('Sub', g, op('Add', tilt, mean(g))), scale), grouped, dims);
    };
    const sum = (value: string) => context.op('ReduceSum', [value, context.ints([0, 2])], { keepdims: 0 });
    return [
      context.wants(0) ? dx() : null,
      context.wants(1) ? sum(op('Mul', given, reshaped(context, normalized, grouped, scaled))) : null,
      context.wants(2) ? sum(given) : null,
    ];
  });

/** Each channel is a group of its own (Ulyanov, Vedaldi & Lempitsky 2016). */
export const instanceNormalization = normalizedIn((_, channels) => channels);
export const groupNormalization = normalizedIn(({ node }) => intAttribute(node, 'num_groups', 1));

/** y = x / ‖x‖ along an axis: dx = (dy - ∂‖x‖/∂x Σ dy y) / ‖x‖, with sign(x) for p = 1 and y for p = 2 as ∂‖x‖/∂x. Where the norm is 0 there is no derivative: 0. */
export const lpNormalization = rule((context, dy) => {
  const { node } = context;
  const [x, y] = [node.input[0] as string, node.output[0] as string];
  const axes = context.ints([intAttribute(node, 'axis', -1)]);
  const op = plainly(context);
  const sum = (value: string) => context.op('ReduceSum', [value, axes], { keepdims: 1 });
  const absolute = intAttribute(node, 'p', 2) === 1;
  const norm = absolute ? sum(op('Abs', x)) : op('Sqrt', sum(op('Mul', x, x)));
  const zero = context.scalar(0);
  const inverse = op('Where', op('Equal', norm, zero), zero, op('Reciprocal', norm));
  const along = op('Mul', absolute ? op('Sign', x) : y, sum(op('Mul', dy, y)));
  return [op('Mul', op('Sub', dy, along), inverse)];
});

/**
 * y = x s^-β, s = bias + α mean(x²) over the nearest `size` channels, those beyond the first and the last being 0 (Krizhevsky, Sutskever & Hinton 2012): dx = dy s^-β - 2αβ x mean(dy y / s)
 * over the same, as `size` is odd.
 */
export const localResponse = rule((context, dy) => {
  const { node } = context;
  const [x, y] = [node.input[0] as string, node.output[0] as string];
  const size = intAttribute(node, 'size', 1);
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1e-4), floatAttribute(node, 'beta', 0.75)];
  const dims = context.dims(x);
  const [samples, channels] = dims as [number, number];
  const image = [samples, 1, channels, elements(dims.slice(2))];
  const op = plainly(context);
  const reach = (size - 1) / 2;
  const window = { kernel_shape: [size, 1], pads: [reach, 0, reach, 0], count_include_pad: 1 };
  const mean = (value: string) =>
    reshaped(context, context.op('AveragePool', [reshaped(context, value, dims, image)], window), image, dims);
  const scaled = (value: string, factor: number) => op('Mul', value, context.scalar(factor));
  const s = op('Add', scaled(mean(op('Mul', x, x)), alpha), context.scalar(floatAttribute(node, 'bias', 1)));
  const direct = op('Mul', dy, op('Pow', s, context.scalar(-beta)));
  const around = op('Mul', x, mean(op('Div', op('Mul', dy, y), s)));
  return [op('Sub', direct, scaled(around, 2 * alpha * beta))];
});
