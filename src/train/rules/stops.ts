/**
 * Operators that no gradient passes: their results are whole numbers, truth values or shapes, or constant between jumps, so that the derivative
 * is 0 wherever there is one.
 */
export const stops: ReadonlySet<string> = new Set([
  'And',
  'ArgMax',
  'ArgMin',
  'Ceil',
  'ConstantOfShape',
  'Equal',
  'EyeLike',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'NonZero',
  'Not',
  'OneHot',
  'Or',
  'RandomNormalLike',
  'RandomUniformLike',
  'Range',
  'Round',
  'Shape',
  'Sign',
  'Size',
  'Xor',
]);
