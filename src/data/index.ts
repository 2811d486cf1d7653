/** Samples for a model's inputs, from NPY and NPZ files, pictures or a random generator. For Node. */
export {
  type Batching,
  chooseBatching,
  type Feeds,
  readBatches,
  type SampleReader,
  type SampleSource,
} from './batches.js';
export { type ColorOrder, type ImageFormat, type ImageOptions, imageFormat } from './image-format.js';
export { decodeImage, imageSamples, isImagePath, listImages } from './images.js';
export { type ArrayHeader, type InputMatch, type Match, matchArrays } from './match.js';
export { type ArrayReader, openNpy, writeNpy } from './npy.js';
export { listNpz, type NpzMember, type NpzSource, openNpzMember } from './npz.js';
export { openSamples, type SampleOptions } from './open.js';
export { applyShapes, parseShapes } from './shape.js';
export { type SyntheticOptions, syntheticSamples } from './synthetic.js';
