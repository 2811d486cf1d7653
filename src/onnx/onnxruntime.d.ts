/** The ONNX Runtime of the platform, chosen by the `imports` of package.json: `onnxruntime-node` or, for bundlers, `onnxruntime-web`. */
declare module '#onnxruntime' {
  import type { InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
  export const InferenceSession: InferenceSessionFactory;
  export const Tensor: TensorConstructor;
}
