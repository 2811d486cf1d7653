import type { Certainty, UnitReport } from '../audit/report.js';
import type { Incoming } from './incoming.js';
import type { Outgoing } from './outgoing.js';

/** A dead unit that can be cut off and given fresh weights. */
export interface DeadUnit {
  /** Index of its layer in the audit. */
  readonly layer: number;
  readonly unit: number;
  /** What the audit found of it; no two units have the same object. */
  readonly found: UnitReport;
  readonly into: Incoming;
  readonly out: Outgoing;
  /** How surely its output is constant, and at what level. */
  readonly certainty: Certainty;
  readonly level: number;
}
