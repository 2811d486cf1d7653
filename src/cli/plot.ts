import { extname } from 'node:path';
import type { Command } from 'commander';
import { Failure } from '../failure.js';
import { writeWhole } from '../onnx/file.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { parseCount, parseNumbers } from './options.js';

interface PlotFlags {
  readonly output: string;
  readonly domain: number[];
  readonly width: number;
}

const defaults = ['relu', 'leaky:0.1', 'prelu', 'elu', 'gelu'];

/** A drawing as a page of its own, light and dark as the reader's system. */
const page = (svg: string): string => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Rectifiers</title>
<style>body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: Canvas; color: CanvasText } svg { width: 100% }</style>
</head><body>${svg}</body></html>
`;

/** A drawing as a file of its own: it follows the reader's colour scheme where nothing around it does. */
const file = (svg: string): string =>
  `${svg.replace('>', '><style>svg { color: #1b1b1b } @media (prefers-color-scheme: dark) { svg { color: #ececec } }</style>')}\n`;

async function png(svg: string): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const image = sharp(Buffer.from(svg.replace('<svg', '<svg color="#1b1b1b"')), { density: 192 });
  return image.flatten({ background: '#ffffff' }).png().toBuffer();
}

/** The content of a figure file, by the ending of its name. Throws a usage Failure for endings other than .svg, .html and .png. */
async function render(svg: string, path: string): Promise<string | Uint8Array> {
  switch (extname(path).toLowerCase()) {
    case '.svg':
      return file(svg);
    case '.html':
      return page(svg);
    case '.png':
      return png(svg);
    default:
      throw new Failure('usage', `--output: the file must end in .svg, .png or .html, got '${path}'`);
  }
}

/** What a library function refused, as a failure of usage. */
function orUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof RangeError) throw new Failure('usage', cause.message, { cause });
    throw cause;
  }
}

/** Adds `reluminate plot rectifiers` to the program. */
export function addPlotCommand(program: Command): void {
  const plot = program.command('plot').description('draw figures');
  plot
    .command('rectifiers')
    .description('curves of rectifiers: value, derivative and slope gradient')
    .argument('[names...]', `rectifiers such as relu, leaky:0.01, prelu:0.25, elu:1 (default: ${defaults.join(' ')})`)
    .requiredOption('-o, --output <file>', 'file to write: .svg, .png or .html')
    .option('--domain <from,to>', 'pre-activations shown', parseNumbers, [-4, 4])
    .option('--width <n>', 'width of the drawing; below 640 the panels stand one under the other', parseCount, 960)
    .action(async (names: string[], { output, domain, width }: PlotFlags) => {
      if (domain.length !== 2) throw new Failure('usage', `--domain: it must be two numbers, got ${domain.length}`);
      const { rectifierCurves } = await import('../figures/rectifier-curves.js');
      const svg = orUsage(() => {
        const rectifiers = (names.length > 0 ? names : defaults).map(parseRectifier);
        return rectifierCurves(rectifiers, { width, domain: domain as [number, number] });
      });
      await writeWhole(output, await render(svg, output));
    });
}
