import { between, createCamera, hsl, pick } from './camera.js';
import { drawTableTop } from './grid.js';

/** @import { Random } from '../../dist/random.js' */
/** @import { Plane } from './camera.js' */

/** @typedef {{ x: number, y: number, width: number, height: number }} Area Where a chart's data is drawn, in metres. */

/**
 * A printed chart on a table, photographed from above at a slant: axes, ticks, grid lines, bars or lines.
 * @param {Random} random
 * @param {number} size Width and height in pixels.
 * @returns {string} SVG elements.
 */
export function drawChart(random, size) {
  const [yaw, pitch] = [between(random, -0.35, 0.35), between(random, -0.4, 0.4)];
  const distance = between(random, 2.6, 3.2);
  const camera = createCamera(size, {
    focal: between(random, 0.85, 1.05),
    yaw,
    pitch,
    roll: between(random, -0.22, 0.22),
    position: [
      -distance * Math.sin(yaw) * Math.cos(pitch),
      -distance * Math.sin(pitch),
      -distance * Math.cos(yaw) * Math.cos(pitch),
    ],
  });
  const table = camera.plane([-9, -9, 0], [1, 0, 0], [0, 1, 0]);
  const [width, height] = [between(random, 1.9, 2.5), between(random, 1.6, 2.1)];
  const paper = camera.plane([-width / 2, -height / 2, 0], [1, 0, 0], [0, 1, 0]);
  const area = { x: 0.3, y: 0.32, width: width - 0.5, height: height - 0.66 };
  const drawData = pick(random, [drawBars, drawBars, drawLines, drawStackedBars]);
  return [
    drawTableTop(random, table),
    paper.rect(0.05, 0.07, width, height, 'fill="#000" fill-opacity="0.5" filter="url(#soft)"'),
    paper.rect(0, 0, width, height, `fill="${hsl(between(random, 30, 60), 12, between(random, 90, 98))}"`),
    drawText(random, paper, 0.3, 0.12, width * 0.5, 0.055),
    drawText(random, paper, 0.3, 0.21, width * 0.3, 0.03),
    drawGridLines(random, paper, area),
    drawData(random, paper, area),
    drawAxes(random, paper, area),
  ].join('');
}

/** @param {Random} random @param {Plane} paper @param {Area} area */
function drawGridLines(random, paper, { x, y, width, height }) {
  const count = 4 + random.integer(5);
  const both = random.uniform() < 0.4;
  const style = `fill="${hsl(0, 0, between(random, 70, 86))}"`;
  return Array.from({ length: count }, (_, index) => {
    const at = index / count;
    const across = paper.rect(x, y + height * at, width, 0.008, style);
    return both ? across + paper.rect(x + width * at, y, 0.008, height, style) : across;
  }).join('');
}

/** @param {Random} random @param {Plane} paper @param {Area} area */
function drawAxes(random, paper, { x, y, width, height }) {
  const ink = `fill="${hsl(0, 0, between(random, 8, 35))}"`;
  const ticks = 4 + random.integer(5);
  const pieces = [
    paper.rect(x - 0.012, y, 0.014, height + 0.012, ink),
    paper.rect(x - 0.012, y + height, width + 0.012, 0.014, ink),
  ];
  for (let tick = 0; tick <= ticks; tick++) {
    const [tx, ty] = [x + (width * tick) / ticks, y + (height * tick) / ticks];
    pieces.push(
      paper.rect(x - 0.045, ty - 0.005, 0.035, 0.01, ink),
      paper.rect(tx - 0.005, y + height, 0.01, 0.045, ink),
    );
    pieces.push(drawText(random, paper, x - 0.14, ty - 0.015, 0.07, 0.03));
    pieces.push(drawText(random, paper, tx - 0.035, y + height + 0.07, 0.08, 0.03));
  }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} paper @param {Area} area */
function drawBars(random, paper, { x, y, width, height }) {
  const count = 4 + random.integer(8);
  const groups = 1 + random.integer(2);
  const slot = width / count;
  const hue = between(random, 0, 360);
  const pieces = [];
  for (let bar = 0; bar < count; bar++)
    for (let group = 0; group < groups; group++) {
      const w = (slot * 0.7) / groups;
      const h = height * between(random, 0.1, 0.95);
      const color = hsl(hue + group * 150, between(random, 45, 55), 50);
      pieces.push(paper.rect(x + bar * slot + slot * 0.15 + group * w, y + height - h, w * 0.96, h, `fill="${color}"`));
    }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} paper @param {Area} area */
function drawStackedBars(random, paper, { x, y, width, height }) {
  const count = 5 + random.integer(6);
  const slot = height / count;
  const hue = between(random, 0, 360);
  const pieces = [];
  for (let bar = 0; bar < count; bar++) {
    let from = x;
    for (let part = 0; part < 3; part++) {
      const long = width * between(random, 0.08, 0.31);
      const color = hsl(hue + part * 55, 50, 38 + part * 14);
      pieces.push(paper.rect(from, y + bar * slot + slot * 0.18, long, slot * 0.64, `fill="${color}"`));
      from += long;
    }
  }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} paper @param {Area} area */
function drawLines(random, paper, { x, y, width, height }) {
  const points = 6 + random.integer(7);
  const hue = between(random, 0, 360);
  const pieces = [];
  for (let line = 0; line < 2 + random.integer(3); line++) {
    const style = `fill="${hsl(hue + line * 97, 60, 42)}"`;
    let level = between(random, 0.2, 0.8);
    for (let index = 1, before = level; index < points; index++, before = level) {
      level = Math.min(0.97, Math.max(0.03, level + 0.15 * random.normal()));
      const [x1, x2] = [x + (width * (index - 1)) / (points - 1), x + (width * index) / (points - 1)];
      pieces.push(paper.strip(x1, y + height * (1 - before), x2, y + height * (1 - level), 0.026, style));
      pieces.push(paper.rect(x2 - 0.025, y + height * (1 - level) - 0.025, 0.05, 0.05, style));
    }
  }
  return pieces.join('');
}

/**
 * Words too small to read: a row of dark blocks.
 * @param {Random} random @param {Plane} paper @param {number} x @param {number} y @param {number} width @param {number} height
 */
function drawText(random, paper, x, y, width, height) {
  const pieces = [];
  for (let at = x; at < x + width; ) {
    const letter = height * between(random, 0.3, 0.7);
    const rise = height * pick(random, [0, 0.3, 0.3]);
    if (random.uniform() < 0.86)
      pieces.push(paper.rect(at, y + rise, letter * 0.8, height - rise, 'fill="#222" fill-opacity="0.75"'));
    at += letter;
  }
  return pieces.join('');
}
