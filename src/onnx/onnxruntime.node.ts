/** The ONNX Runtime that `#onnxruntime` resolves to in Node: native kernels. */
export * from 'onnxruntime-node';
