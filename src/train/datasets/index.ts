/** Data to train on, read from files and packages (Node). What is made by formula, and the tools for splits, is in `reluminate/train`. */
export { parseCsv } from './csv.js';
export { digits } from './digits.js';
export { parseIdx } from './idx.js';
export { type IrisOptions, iris } from './iris.js';
export { datasetNames, isTabular, type OpenDatasetOptions, openDataset } from './open-dataset.js';
