/** The ONNX Runtime that `#onnxruntime` resolves to in a browser: WebAssembly. */
export * from 'onnxruntime-web';
