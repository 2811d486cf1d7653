import type { Anatomy, Flow, RectifiedLayer } from './anatomy.js';
import { type Cost, keptCost } from './cost.js';
import type { Removable } from './report.js';

function difference(whole: Cost, kept: Cost, units: number, parameters: number): Removable {
  const gone = whole.parameters - kept.parameters;
  const idle =
    whole.multiplyAdds === null || kept.multiplyAdds === null ? null : whole.multiplyAdds - kept.multiplyAdds;
  return {
    units,
    parameters: gone,
    parameterShare: parameters === 0 ? 0 : gone / parameters,
    multiplyAdds: idle,
    multiplyAddShare: idle === null || !whole.multiplyAdds ? null : idle / whole.multiplyAdds,
  };
}

/** Units of the main graph that may go: their output is constant or unread. */
export const idleUnits = (layers: readonly RectifiedLayer[], { known, reads }: Flow): number =>
  layers.reduce((sum, { rectifier, units }) => {
    const output = known.get(rectifier.output);
    const flags = reads.get(rectifier.output);
    if (rectifier.scope.parent || units === null) return sum;
    if (output === 'constant') return sum + units;
    for (let unit = 0; unit < units; unit++) {
      const constant = typeof output === 'object' && output.constant[unit] === 1;
      const unread = flags !== 'all' && (flags === undefined || (flags.length === units && flags[unit] !== 1));
      if (constant || unread) sum++;
    }
    return sum;
  }, 0);

/** The cost of the whole model, and a function that says what could go under a flow: everything that only constant or unread channels own or read. */
export function costs(
  { scope, lookup, layers }: Anatomy,
  parameters: number,
  shapes: ReadonlyMap<string, readonly number[]>,
): { whole: Cost; removable: (flow: Flow) => Removable } {
  const costOf = (flow: Flow | null) => keptCost(scope, lookup, flow, shapes);
  const whole = costOf(null);
  return { whole, removable: flow => difference(whole, costOf(flow), idleUnits(layers, flow), parameters) };
}
