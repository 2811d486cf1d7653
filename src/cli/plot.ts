import type { Command } from 'commander';
import { Failure } from '../failure.js';
import { parseRectifiers } from '../rectifiers/parse-rectifier.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { parseCount, parseNumbers } from './options.js';
import { orUsage } from './refusals.js';

interface PlotFlags {
  readonly output: string;
  readonly domain: number[];
  readonly width: number;
}

const defaults = ['relu', 'leaky:0.1', 'prelu', 'elu', 'gelu'];

/** Adds `reluminate plot rectifiers` to the program. */
export function addPlotCommand(program: Command): void {
  const plot = program.command('plot').description('draw figures');
  plot
    .command('rectifiers')
    .description('curves of rectifiers: value, derivative and slope gradient')
    .argument(
      '[names...]',
      `rectifiers such as relu, leaky:0.01, prelu:0.25, elu:1, apart or separated by commas (default: ${defaults.join(' ')})`,
    )
    .requiredOption('-o, --output <file>', 'file to write, needed: .svg, .png or .html', parseFigureFile)
    .option('--domain <from,to>', 'pre-activations shown', parseNumbers, [-4, 4])
    .option(
      '--width <n>',
      'width of the drawing, 320 to 10000; below 640 the panels stand one under the other',
      parseCount,
      960,
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 drawn, 2 wrong usage, 3 a figure that cannot be written.

Examples:
  reluminate plot rectifiers relu leaky:0.1 elu -o curves.svg
  reluminate plot rectifiers prelu:0.25 gelu --domain=-1,1 -o curves.png`,
    )
    .action(async (names: string[], { output, domain, width }: PlotFlags) => {
      if (domain.length !== 2) throw new Failure('usage', `--domain: it must be two numbers, got ${domain.length}`);
      await requireFigureFile(output);
      const { rectifierCurves } = await import('../figures/rectifier-curves.js');
      const svg = orUsage(() => {
        const rectifiers = (names.length > 0 ? names : defaults).flatMap(parseRectifiers);
        return rectifierCurves(rectifiers, { width, domain: domain as [number, number] });
      });
      await writeFigure(output, svg, 'Rectifiers');
    });
}
