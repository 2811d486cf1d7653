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
    .description('gain, slope, depth, odds of being born dead: answers before training')
    .addHelpText(
      'after',
      `
Exit codes: 0 answered, 2 wrong usage, 3 an unreadable model, or a result that cannot be written.

Examples:
  reluminate theory slope --depth 50
  reluminate theory signal 256x101 --rectifier relu,leaky:0.57 --init pytorch,he
  reluminate theory inspect model.onnx`,
    );
  addBatchNormCommand(theory);
  addBornDeadCommand(theory);
  addCorrelationCommand(theory);
  addDensityCommand(theory);
  addGainCommand(theory);
  addInitializersCommand(theory);
  addInspectCommand(theory);
  addJacobianCommand(theory);
  addNeuronCommand(theory);
  addRegionsCommand(theory);
  addSignalCommand(theory);
  addSlopeCommand(theory);
  addUnitCommand(theory);
}
