import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { createRandom } from '../../dist/random.js';
import { between, hsl } from './camera.js';
import { drawChart } from './chart.js';
import { drawGrid } from './grid.js';
import { drawRoom } from './room.js';

/** @import { Random } from '../../dist/random.js' */

/** The kinds of scenes, in the order in which they are drawn. */
export const sceneKinds = /** @type {const} */ (['room', 'grid', 'chart']);

const painters = { room: drawRoom, grid: drawGrid, chart: drawChart };

/**
 * Draws scenes full of straight edges that look like plausible photographs, and writes them as JPEG files
 * `0000-room.jpg`, `0001-grid.jpg`, `0002-chart.jpg`, … The same seed gives the same pictures.
 * @param {string} folder Made where it does not exist.
 * @param {{ count: number, seed: number, size?: number }} options How many, of what seed, and width and height in pixels (320).
 * @returns {Promise<string[]>} The paths of the pictures, in order.
 */
export async function drawScenes(folder, { count, seed, size = 320 }) {
  await mkdir(folder, { recursive: true });
  const paths = [];
  for (let index = 0; index < count; index++) {
    const kind = sceneKinds[index % sceneKinds.length];
    const random = createRandom(seed * 1_000_003 + index);
    const path = join(folder, `${String(index).padStart(4, '0')}-${kind}.jpg`);
    await writeFile(path, await photograph(sceneSvg(kind, random, size), random, size));
    paths.push(path);
  }
  return paths;
}

/**
 * One scene as an SVG document, lit unevenly.
 * @param {'room' | 'grid' | 'chart'} kind
 * @param {Random} random What decides everything about the scene.
 * @param {number} size Width and height in pixels.
 */
export function sceneSvg(kind, random, size) {
  const warmth = between(random, 20, 60);
  const [lx, ly] = [between(random, 0.1, 0.9), between(random, 0.05, 0.6)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${size} ${size}">
<defs>
<filter id="soft" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="${size / 80}"/></filter>
<filter id="stains" x="0" y="0" width="100%" height="100%"><feTurbulence type="fractalNoise" baseFrequency="${between(random, 2, 6) / size}" numOctaves="4" seed="${random.integer(1000)}"/><feColorMatrix values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  1.4 0 0 0 -0.55"/></filter>
<radialGradient id="glow" cx="${lx}" cy="${ly}" r="0.9"><stop offset="0" stop-color="${hsl(warmth, 80, 90)}" stop-opacity="0.42"/><stop offset="0.5" stop-color="#fff" stop-opacity="0"/></radialGradient>
<linearGradient id="dusk" x1="${lx}" y1="${ly}" x2="${1 - lx}" y2="${1 - ly / 2}"><stop offset="0.2" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="${hsl(225, 40, 8)}" stop-opacity="${between(random, 0.15, 0.55)}"/></linearGradient>
</defs>
<rect width="100%" height="100%" fill="#777"/>
${painters[kind](random, size)}
<rect width="100%" height="100%" filter="url(#stains)" opacity="${between(random, 0.1, 0.3)}"/>
<rect width="100%" height="100%" fill="url(#dusk)"/>
<rect width="100%" height="100%" fill="url(#glow)"/>
</svg>`;
}

/**
 * What a plain camera makes of a scene: a little out of focus, dark in the corners, noisy, compressed.
 * @param {string} svg @param {Random} random @param {number} size
 * @returns {Promise<Buffer>} A JPEG file.
 */
async function photograph(svg, random, size) {
  const pixels = await sharp(Buffer.from(svg))
    .blur(between(random, 0.3, 0.8))
    .removeAlpha()
    .raw()
    .toBuffer();
  const noise = between(random, 1, 6);
  const exposure = between(random, 0.85, 1.12);
  const falloff = between(random, 0.05, 0.3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const radius = ((x / size - 0.5) ** 2 + (y / size - 0.5) ** 2) * 2;
      const gain = exposure * (1 - falloff * radius);
      const grain = noise * random.normal();
      const start = (y * size + x) * 3;
      for (let c = start; c < start + 3; c++)
        pixels[c] = Math.max(0, Math.min(255, pixels[c] * gain + grain + 0.4 * noise * random.normal()));
    }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: Math.round(between(random, 72, 95)) })
    .toBuffer();
}
