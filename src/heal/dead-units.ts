import type { Anatomy, RectifiedLayer } from '../audit/anatomy.js';
import { isSurelyFlat } from '../audit/prove/proved-units.js';
import type { AuditReport, UnitReport } from '../audit/report.js';
import type { Pinned } from '../onnx/channels.js';

/** Dead units of the main graph as channels of their rectifiers' outputs that are 0. */
const zeroChannels = (
  layers: Anatomy['layers'],
  report: AuditReport,
  is: (unit: UnitReport, layer: RectifiedLayer) => boolean,
): Pinned =>
  new Map(
    report.layers.flatMap(({ units }, at) => {
      const layer = layers[at] as RectifiedLayer;
      const { scope, output } = layer.rectifier;
      const found = units.filter(unit => unit.dead && is(unit, layer));
      return scope.parent || found.length === 0
        ? []
        : [[output, new Map(found.map(({ index }) => [index, 0]))] as const];
    }),
  );

/**
 * The dead units of the main graph that an audit saw to be silent: value of the rectifier's output to unit to 0, which is what `prune` takes as
 * `constants`. `layers` are those of `dissect` for the model that was audited.
 *
 * @example
 * import { audit, dissect } from 'reluminate/audit';
 * import { prune, silentUnits } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 1])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [1, 2], [1, 1]), floatTensor('b', [2], [0, -5]), floatTensor('v', [2, 1], [1, 1])],
 * });
 * const model = { proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 };
 * const x = { type: 'float32', dims: [3, 1], data: Float32Array.of(-1, 2, 3) };
 * const data = { kind: 'samples', description: 'three numbers', total: 3, batches: () => [{ feeds: { x }, samples: 3 }] };
 * const constants = silentUnits(dissect(model).layers, await audit(model, data));
 * [...constants].map(([value, units]) => [value, [...units]]); // => [["h", [[1, 0]]]]
 * (await prune(model, { align: 1, constants })).report.unitsOnWord; // => 1
 */
export const silentUnits = (layers: Anatomy['layers'], report: AuditReport): Pinned =>
  zeroChannels(layers, report, ({ verdict }) => verdict === 'silent');

/** The units of the main graph that an audit proved to give 0 for every input in its range. */
export const provedUnits = (layers: Anatomy['layers'], report: AuditReport): Pinned =>
  zeroChannels(layers, report, ({ verdict, index }, layer) => verdict === 'proved-dead' && isSurelyFlat(layer, index));
