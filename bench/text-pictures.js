/* Pictures of text for models that read it, drawn with whatever font there is: dark on light or light on dark, a little turned. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { createRandom } from '../dist/random.js';

const words =
  'invoice total amount date customer number street paid open train ticket platform market water coffee north bridge room garden quick brown fox jumps over the lazy dog 2024 17:45 3.99 No. 128'.split(
    ' ',
  );
const pick = (random, items) => items[random.integer(items.length)];

/** So many words that a line of the given width holds them, of a font size. */
function lineOf(random, width, size) {
  const room = Math.floor(width / (0.56 * size));
  let text = pick(random, words);
  for (;;) {
    const longer = `${text} ${pick(random, words)}`;
    if (longer.length > room) return text;
    text = longer;
  }
}

/**
 * Draws pictures of text: `page` of several lines, or one `line` that fills the picture, every second one upside down where `turned` is set. The same seed gives the same words.
 * Gives the paths of the pictures.
 */
export async function drawText(folder, { count, seed, width, height, kind, turned = false }) {
  await mkdir(folder, { recursive: true });
  const paths = [];
  for (let index = 0; index < count; index++) {
    const random = createRandom(seed * 1_000_003 + index);
    const isDark = random.uniform() < 0.25;
    const [ground, ink] = isDark
      ? ['#223', '#eee']
      : [pick(random, ['#fff', '#eee9d8', '#e4ecf2']), pick(random, ['#111', '#234', '#522'])];
    const size = kind === 'line' ? 0.62 * height : height * (0.05 + 0.04 * random.uniform());
    const count = kind === 'line' ? 1 : Math.floor((0.85 * height) / (1.7 * size));
    const lines = Array.from({ length: count }, (_, at) => {
      const y = kind === 'line' ? 0.7 * height : 0.08 * height + (at + 1) * 1.7 * size;
      return `<text x="${0.04 * width}" y="${y}" font-size="${size}" fill="${ink}" font-family="${pick(random, ['sans-serif', 'serif', 'monospace'])}">${lineOf(random, 0.92 * width, size)}</text>`;
    });
    const angle = (turned && index % 2 === 1 ? 180 : 0) + 3 * (random.uniform() - 0.5);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${ground}"/><g transform="rotate(${angle} ${width / 2} ${height / 2})">${lines.join('')}</g></svg>`;
    const path = join(folder, `${String(index).padStart(4, '0')}.png`);
    await sharp(Buffer.from(svg)).removeAlpha().png().toFile(path);
    paths.push(path);
  }
  return paths;
}
