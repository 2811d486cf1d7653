/** Theory of rectifier networks: scale, depth, correlation, death and structure, in closed form where there is one and simulated where not. */
export { createRandom, type Random } from '../random.js';
export { type CanonicalUnit, canonicalForm, indistinguishable, type NormalizedUnit } from './batch-norm.js';
export { type Redundancies, type RedundancyOptions, redundancies } from './batch-norm-redundancies.js';
export {
  type BornDeadBounds,
  type BornDeadNetwork,
  bornDeadBounds,
  hiddenWidths,
  type MinimalWidth,
  minimalWidth,
} from './born-dead.js';
export { type BornDeadCell, type BornDeadMap, type BornDeadMapOptions, bornDeadMap } from './born-dead-map.js';
export {
  type BornDeadEstimate,
  type BornDeadOptions,
  type CountedShare,
  simulateBornDead,
} from './born-dead-simulation.js';
export { canDie } from './can-die.js';
export {
  type CorrelationLimit,
  type CorrelationMap,
  correlationMap,
  iterateCorrelation,
  limitCorrelation,
} from './correlation-map.js';
export { type DksLeaky, type DksOptions, dksLeaky } from './dks-leaky.js';
export {
  dyingNeuron,
  type NeuronFate,
  type NeuronOptions,
  type NeuronStep,
  neuronFate,
  traceNeuron,
} from './dying-neuron.js';
export { type GainOptions, gain } from './gain.js';
export { goldenSlope } from './golden-slope.js';
export {
  type DrawLayer,
  type InitializeOptions,
  initialize,
  initializeNetwork,
  type LayerWeights,
} from './initialize.js';
export {
  type Initializer,
  initializerNames,
  type LayerShape,
  normalInitializer,
  parseInitializer,
  type WeightDistribution,
  type WeightLaw,
} from './initializer.js';
export { randomSlice, type Slice } from './input-slice.js';
export { type Chain, type InspectedLayer, type Inspection, inspectLayers, type MeasuredLayer } from './inspect.js';
export { type JacobianSpread, jacobian } from './jacobian.js';
export {
  type JacobianSimulation,
  type JacobianSimulationOptions,
  type JacobianSpectrum,
  simulateJacobian,
} from './jacobian-simulation.js';
export {
  maximalRegionsOfLayer,
  regionsLowerBound,
  regionsUpperBound,
  reluRegionsUpperBound,
  tentMapPieces,
} from './linear-regions.js';
export type { LogSpread } from './log-spread.js';
export { type LsuvLayer, type LsuvOptions, type LsuvResult, lsuv } from './lsuv.js';
export { describeSlope, preimages, type SlopeDescription } from './negative-slope.js';
export {
  describeNetwork,
  type LayerDescription,
  type NetworkDescription,
  type NetworkOptions,
  parseWidths,
} from './network.js';
export { type NetworkLike, type NetworkStructure, networkCorrelation } from './network-map.js';
export { type NormRatio, type NormRatios, normRatio, shareWithin } from './norm-ratio.js';
export { normalQuantile } from './normal-quantile.js';
export { type OutputDistribution, outputDistribution, type PreActivationOptions } from './output-distribution.js';
export {
  type ActivationRegion,
  lineRegions,
  type NetworkRegions,
  planeRegions,
  type RegionOptions,
} from './plane-regions.js';
export { raiInitialize } from './rai.js';
export { type RectifierLayer, rectifierLayers } from './rectifier-layer.js';
export type { Kink } from './region-cells.js';
export { type ResNetOptions, resNet, resNetDepths } from './res-net.js';
export { type Signal, type SignalAtDepth, type SignalOptions, signal } from './signal.js';
export {
  type KeptShare,
  keptWithin,
  type SignalSimulation,
  type SignalSimulationOptions,
  type SimulatedDepth,
  simulateSignal,
} from './signal-simulation.js';
export { type SignalTrend, type SignalVerdict, stableWithin } from './signal-trend.js';
export {
  minTailoredDepth,
  reachableCorrelation,
  type TailoredSlope,
  type TailoredSlopeOptions,
  tailoredSlope,
} from './tailored-slope.js';
export { biasForFiringRate, type UnitDescription, type UnitFate, unitFate } from './unit-death.js';
export { type VarianceFactor, varianceFactor } from './variance-factor.js';
