import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { writeWhole } from '../onnx/file.js';
import { parseCount } from './options.js';
import { requireWritable } from './result-file.js';

/** A drawing as a page of its own, light and dark as the reader's system. */
const page = (svg: string, title: string): string => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title}</title>
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

const renderers: Readonly<Record<string, (svg: string, title: string) => string | Promise<Uint8Array>>> = {
  '.svg': file,
  '.png': png,
  '.html': page,
};

const endingOf = (path: string): string => extname(path).toLowerCase();

/** A figure's file as a flag's value, refused at once where its ending is not .svg, .png or .html. */
export function parseFigureFile(path: string): string {
  if (renderers[endingOf(path)] === undefined)
    throw new InvalidArgumentError(`The file must end in .svg, .png or .html, got '${path}'.`);
  return path;
}

/** The width of a drawing as a flag's value. */
export function parseFigureWidth(text: string): number {
  const width = parseCount(text);
  if (width < 320) throw new InvalidArgumentError(`It must be 320 or more, got '${text}'.`);
  return width;
}

/** Throws a Failure where a figure that is asked for could not be written, before anything is computed. */
export async function requireFigureFile(path: string | undefined): Promise<void> {
  if (path !== undefined) await requireWritable('--output', path);
}

/** Writes a drawing to a file that `parseFigureFile` has passed, in the format that its ending says. */
export async function writeFigure(path: string, svg: string, title: string): Promise<void> {
  await writeWhole(path, await renderers[endingOf(path)]!(svg, title));
}
