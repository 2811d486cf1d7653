import type { Anatomy, RectifiedLayer } from '../audit/anatomy.js';
import type { AuditReport } from '../audit/report.js';
import type { Pinned } from '../onnx/channels.js';

/** The units of the main graph that an audit saw to be silent and dead, as channels of their rectifiers' outputs that are 0: what `prune` takes as `constants`. */
export const silentUnits = (layers: Anatomy['layers'], report: AuditReport): Pinned =>
  new Map(
    report.layers.flatMap(({ units }, at) => {
      const { rectifier } = layers[at] as RectifiedLayer;
      const silent = units.filter(({ verdict, dead }) => verdict === 'silent' && dead);
      return rectifier.scope.parent || silent.length === 0
        ? []
        : [[rectifier.output, new Map(silent.map(({ index }) => [index, 0]))] as const];
    }),
  );
