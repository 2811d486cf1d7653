/** Figures as SVG: functions from data to a drawing. */
export * from './before-after.js';
export * from './born-dead-map.js';
export * from './correlation-curves.js';
export * from './dying-neuron.js';
export * from './gain-by-slope.js';
export * from './gradient-norms.js';
export * from './jacobian-spectrum.js';
export * from './layer-factors.js';
export * from './line-regions.js';
export * from './output-density.js';
export * from './plane-regions.js';
export * from './rectifier-curves.js';
export * from './signal-by-depth.js';
export * from './tailored-slope-by-depth.js';
export * from './training-curves.js';
