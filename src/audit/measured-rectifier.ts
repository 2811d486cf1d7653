import { floatAttribute } from '../onnx/attributes.js';
import type { Rectifier as FoundRectifier } from '../onnx/rectifiers.js';
import { celuRectifier } from '../rectifiers/celu.js';
import { eluRectifier } from '../rectifiers/elu.js';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { reluRectifier } from '../rectifiers/relu.js';
import { relu6Rectifier } from '../rectifiers/relu6.js';
import { seluAlpha, seluLambda, seluRectifier } from '../rectifiers/selu.js';
import { thresholdedReluRectifier } from '../rectifiers/thresholded-relu.js';

/** min(max(x, 0), c) as ReLU6 of 6x/c times c/6. */
function clippedRectifier(ceiling: number): Rectifier {
  const six = relu6Rectifier();
  const scale = ceiling / 6;
  return {
    ...six,
    name: `clipped:${ceiling}`,
    label: `ReLU clipped at ${ceiling}`,
    parameters: { ceiling },
    value: x => scale * six.value(x / scale),
    derivative: x => six.derivative(x / scale),
    range: [0, ceiling],
    kinks: [0, ceiling],
    moments: (mean, std) => {
      const moments = six.moments(mean / scale, std / scale);
      return { ...moments, mean: scale * moments.mean, secondMoment: scale * scale * moments.secondMoment };
    },
  };
}

/**
 * A rectifier found in a file as a function, with the slope given for those that have one; null where the file does not tell, for slopes that are computed and for
 * constants of Selu other than its own.
 */
export function functionOf(
  { kind, ceiling, threshold, nodes }: FoundRectifier,
  slope: number | null,
): Rectifier | null {
  const attribute = (name: string, fallback: number) => floatAttribute(nodes[0]!, name, fallback);
  switch (kind) {
    case 'relu':
      return reluRectifier();
    case 'leaky-relu':
    case 'prelu':
      return slope !== null && Number.isFinite(slope) ? leakyReluRectifier(slope) : null;
    case 'relu6':
      return relu6Rectifier();
    case 'clipped-relu':
      return clippedRectifier(ceiling);
    case 'thresholded-relu':
      return thresholdedReluRectifier(threshold);
    case 'elu':
      return eluRectifier(attribute('alpha', 1));
    case 'celu':
      return attribute('alpha', 1) > 0 ? celuRectifier(attribute('alpha', 1)) : null;
    case 'selu': {
      const isUsual =
        Math.abs(attribute('alpha', seluAlpha) - seluAlpha) < 1e-5 &&
        Math.abs(attribute('gamma', seluLambda) - seluLambda) < 1e-5;
      return isUsual ? seluRectifier() : null;
    }
  }
}
