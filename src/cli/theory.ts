import type { Command } from 'commander';
import { addBatchNormCommand } from './theory-batch-norm.js';
import { addBornDeadCommand } from './theory-born-dead.js';
import { addCorrelationCommand } from './theory-correlation.js';
import { addDensityCommand } from './theory-density.js';
import { addGainCommand } from './theory-gain.js';
import { addInitializersCommand } from './theory-initializers.js';
import { addInspectCommand } from './theory-inspect.js';
import { addJacobianCommand } from './theory-jacobian.js';
import { addNeuronCommand } from './theory-neuron.js';
import { addRegionsCommand } from './theory-regions.js';
import { addSignalCommand } from './theory-signal.js';
import { addSlopeCommand } from './theory-slope.js';
import { addUnitCommand } from './theory-unit.js';

/** Adds `reluminate theory …` to the program: a subcommand for each question. */
export function addTheoryCommand(program: Command): void {
  const theory = program
    .command('theory')
    .description('gain, slope, depth, odds of being born dead: answers before training');
  addBatchNormCommand(theory);
  addBornDeadCommand(theory);
  addCorrelationCommand(theory);
  addGainCommand(theory);
  addInitializersCommand(theory);
  addJacobianCommand(theory);
  addNeuronCommand(theory);
  addDensityCommand(theory);
  addRegionsCommand(theory);
  addSignalCommand(theory);
  addSlopeCommand(theory);
  addInspectCommand(theory);
  addUnitCommand(theory);
}
