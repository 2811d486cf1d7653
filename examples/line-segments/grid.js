import { between, createCamera, hsl, pick } from './camera.js';

/** @import { Random } from '../../dist/random.js' */
/** @import { Plane } from './camera.js' */

/**
 * A wall or ground that repeats, seen at an angle: tiles, bricks, the windows of a facade, a chessboard, a fence.
 * @param {Random} random
 * @param {number} size Width and height in pixels.
 * @returns {string} SVG elements.
 */
export function drawGrid(random, size) {
  const distance = between(random, 2.2, 3.4);
  const [yaw, pitch] = [between(random, -0.75, 0.75), between(random, -0.6, 0.6)];
  const camera = createCamera(size, {
    focal: between(random, 0.75, 1.1),
    yaw,
    pitch,
    roll: between(random, -0.5, 0.5),
    // Stand back along the line of sight, so that the middle of the plane stays in the middle of the picture.
    position: [
      -distance * Math.sin(yaw) * Math.cos(pitch),
      -distance * Math.sin(pitch),
      -distance * Math.cos(yaw) * Math.cos(pitch),
    ],
  });
  const plane = camera.plane([-9, -9, 0], [1, 0, 0], [0, 1, 0]);
  return pick(random, [drawTiling, drawBricks, drawFacade, drawChessboard, drawFence])(random, plane);
}

/** How far the planes reach, in metres. */
const reach = 18;
/** The part of a plane that a camera can see. @param {number} v */
const seen = v => v > 3 && v < 15;

/** @param {Random} random @param {Plane} plane */
function drawTiling(random, plane) {
  const hue = between(random, 0, 360);
  const [saturation, lightness] = [between(random, 3, 45), between(random, 35, 80)];
  const [w, h] = [between(random, 0.22, 0.6), between(random, 0.22, 0.6)];
  const joint = between(random, 0.01, 0.035);
  const grout = pick(random, [lightness - 30, Math.min(95, lightness + 25)]);
  const pieces = [plane.rect(0, 0, reach, reach, fill(hue, 5, grout))];
  for (let x = 0; x < reach; x += w)
    for (let y = 0; y < reach; y += h) {
      if (!seen(x) || !seen(y)) continue;
      const tone = lightness + 2.5 * random.normal();
      pieces.push(plane.rect(x, y, w - joint, h - joint, fill(hue + 4 * random.normal(), saturation, tone)));
      pieces.push(plane.rect(x, y, w - joint, 0.012, 'fill="#fff" fill-opacity="0.25"'));
    }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} plane */
function drawBricks(random, plane) {
  const hue = between(random, 2, 32);
  const [saturation, lightness] = [between(random, 15, 50), between(random, 30, 60)];
  const [w, h, joint] = [between(random, 0.4, 0.6), between(random, 0.13, 0.2), 0.022];
  const pieces = [plane.rect(0, 0, reach, reach, fill(35, 8, between(random, 60, 80)))];
  for (let row = 0; row * h < reach; row++)
    for (let x = (row % 2) * (w / 2); x < reach; x += w) {
      if (!seen(x) || !seen(row * h)) continue;
      const tone = lightness + 5 * random.normal();
      pieces.push(plane.rect(x, row * h, w - joint, h - joint, fill(hue + 3 * random.normal(), saturation, tone)));
      pieces.push(plane.rect(x, row * h + h - joint - 0.014, w - joint, 0.014, 'fill="#000" fill-opacity="0.25"'));
    }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} plane */
function drawFacade(random, plane) {
  const hue = between(random, 0, 360);
  const [saturation, lightness] = [between(random, 3, 30), between(random, 45, 82)];
  const [w, h] = [between(random, 0.6, 1), between(random, 0.7, 1.1)];
  const [inset, sill] = [between(random, 0.1, 0.22), random.uniform() < 0.7];
  const panes = 1 + random.integer(3);
  const pieces = [plane.rect(0, 0, reach, reach, fill(hue, saturation, lightness))];
  for (let y = 0; y < reach; y += h) {
    if (!seen(y)) continue;
    pieces.push(plane.rect(0, y, reach, 0.03, fill(hue, saturation, lightness - 12)));
    for (let x = 0; x < reach; x += w) {
      if (!seen(x)) continue;
      const [gw, gh] = [w - 2 * inset, h - 2 * inset];
      const glass = fill(between(random, 195, 225), 25, between(random, 18, 62));
      pieces.push(
        plane.rect(x + inset - 0.03, y + inset - 0.03, gw + 0.06, gh + 0.06, fill(hue, saturation, lightness + 12)),
      );
      pieces.push(plane.rect(x + inset, y + inset, gw, gh, glass));
      pieces.push(plane.rect(x + inset, y + inset, gw, 0.04, 'fill="#000" fill-opacity="0.35"'));
      for (let pane = 1; pane < panes; pane++)
        pieces.push(plane.rect(x + inset + (gw * pane) / panes - 0.012, y + inset, 0.024, gh, fill(hue, 5, 88)));
      if (sill) pieces.push(plane.rect(x + inset - 0.06, y + h - inset + 0.03, gw + 0.12, 0.045, fill(hue, 6, 80)));
    }
  }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} plane */
function drawChessboard(random, plane) {
  const wood = between(random, 15, 40);
  const [side, count] = [between(random, 0.24, 0.32), 8];
  const [edge, start] = [between(random, 0.1, 0.25), reach / 2 - (count * side) / 2];
  const pieces = [drawTableTop(random, plane)];
  const board = count * side + 2 * edge;
  pieces.push(
    plane.rect(
      start - edge + 0.05,
      start - edge + 0.07,
      board,
      board,
      'fill="#000" fill-opacity="0.45" filter="url(#soft)"',
    ),
  );
  pieces.push(plane.rect(start - edge, start - edge, board, board, fill(wood, 45, 24)));
  for (let column = 0; column < count; column++)
    for (let row = 0; row < count; row++) {
      const tone = ((column + row) % 2 === 0 ? 76 : 34) + 2 * random.normal();
      pieces.push(plane.rect(start + column * side, start + row * side, side, side, fill(wood, 40, tone)));
    }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} plane */
function drawFence(random, plane) {
  const hue = between(random, 15, 45);
  const [saturation, lightness] = [between(random, 8, 45), between(random, 30, 75)];
  const [board, gap] = [between(random, 0.14, 0.3), between(random, 0.02, 0.09)];
  const pieces = [plane.rect(0, 0, reach, reach, fill(between(random, 80, 130), 22, between(random, 18, 35)))];
  for (const y of [8.2, 9.6]) pieces.push(plane.rect(0, y, reach, 0.13, fill(hue, saturation, lightness - 16)));
  for (let x = 0; x < reach; x += board + gap) {
    if (!seen(x)) continue;
    const tone = lightness + 4 * random.normal();
    pieces.push(plane.rect(x, 4, board, 10, fill(hue, saturation, tone)));
    for (let line = 0; line < 3; line++)
      pieces.push(plane.rect(x + board * random.uniform(), 4, 0.008, 10, fill(hue, saturation, tone - 7)));
  }
  return pieces.join('');
}

/**
 * A wooden table top that fills the plane.
 * @param {Random} random @param {Plane} plane
 */
export function drawTableTop(random, plane) {
  const hue = between(random, 15, 40);
  const [saturation, lightness] = [between(random, 10, 45), between(random, 25, 68)];
  const pieces = [plane.rect(0, 0, reach, reach, fill(hue, saturation, lightness))];
  const plank = between(random, 0.5, 0.9);
  for (let y = 3; y < 15; y += plank) {
    pieces.push(plane.rect(0, y, reach, plank - 0.012, fill(hue, saturation, lightness + 3 * random.normal())));
    pieces.push(plane.rect(0, y + plank - 0.012, reach, 0.012, fill(hue, saturation, lightness - 18)));
    for (let line = 0; line < 6; line++)
      pieces.push(plane.rect(0, y + plank * random.uniform(), reach, 0.007, fill(hue, saturation, lightness - 5)));
  }
  return pieces.join('');
}

/** @param {number} hue @param {number} saturation @param {number} lightness */
function fill(hue, saturation, lightness) {
  return `fill="${hsl(hue, saturation, lightness)}"`;
}
