/** Theory of rectifier networks: scale, depth, correlation, death and structure, in closed form where there is one and simulated where not. */
export { gain } from './gain.js';
export {
  type Initializer,
  initializerNames,
  type LayerShape,
  normalInitializer,
  parseInitializer,
  type WeightDistribution,
  type WeightLaw,
} from './initializer.js';
export {
  describeNetwork,
  type LayerDescription,
  type NetworkDescription,
  type NetworkOptions,
  parseWidths,
} from './network.js';
