/** @import { Random } from '../../dist/random.js' */

/**
 * A point or direction in metres: x to the right, y down, z away from the camera.
 * @typedef {readonly [number, number, number]} Vec3
 */

/**
 * A pinhole camera at the origin that draws flat shapes in space as SVG.
 * @typedef {object} Camera
 * @property {(points: readonly Vec3[]) => string} path The outline of a polygon as SVG path data; '' where all of it lies behind the camera.
 * @property {(origin: Vec3, right: Vec3, down: Vec3) => Plane} plane A plane to draw on: its origin, and its two unit vectors.
 */

/**
 * Draws on a plane in space, in metres from its origin; every function gives one SVG element.
 * @typedef {object} Plane
 * @property {(points: readonly (readonly [number, number])[], style: string) => string} polygon
 * @property {(x: number, y: number, width: number, height: number, style: string) => string} rect
 * @property {(x1: number, y1: number, x2: number, y2: number, width: number, style: string) => string} strip A line of that width.
 */

/** Nearest distance at which the camera sees anything, in metres. */
const near = 0.05;

/**
 * A camera that looks into the distance, turned by some angles.
 * @param {number} size Width and height of its picture in pixels.
 * @param {{ focal: number, yaw?: number, pitch?: number, roll?: number, position?: Vec3 }} options Focal length in
 *   picture widths; angles in radians, to the right, down and clockwise; position in metres.
 * @returns {Camera}
 */
export function createCamera(size, { focal, yaw = 0, pitch = 0, roll = 0, position = [0, 0, 0] }) {
  const [cosYaw, sinYaw] = [Math.cos(yaw), Math.sin(yaw)];
  const [cosPitch, sinPitch] = [Math.cos(pitch), Math.sin(pitch)];
  const [cosRoll, sinRoll] = [Math.cos(roll), Math.sin(roll)];

  /** @param {Vec3} point @returns {Vec3} */
  function toCamera(point) {
    const [x, y, z] = [point[0] - position[0], point[1] - position[1], point[2] - position[2]];
    const [x1, z1] = [x * cosYaw - z * sinYaw, x * sinYaw + z * cosYaw];
    const [y1, z2] = [y * cosPitch - z1 * sinPitch, y * sinPitch + z1 * cosPitch];
    return [x1 * cosRoll - y1 * sinRoll, x1 * sinRoll + y1 * cosRoll, z2];
  }

  /** @param {Vec3} point */
  function toPixels([x, y, z]) {
    const scale = (focal * size) / z;
    return `${(size / 2 + x * scale).toFixed(2)},${(size / 2 + y * scale).toFixed(2)}`;
  }

  /** @param {readonly Vec3[]} points */
  function path(points) {
    const visible = clipNear(points.map(toCamera));
    return visible.length < 3 ? '' : `M${visible.map(toPixels).join('L')}Z`;
  }

  return {
    path,
    plane(origin, right, down) {
      /** @type {Plane['polygon']} */
      const polygon = (points, style) => {
        const d = path(points.map(([x, y]) => add(origin, add(scale(right, x), scale(down, y)))));
        return d === '' ? '' : `<path d="${d}" ${style}/>`;
      };
      return {
        polygon,
        rect: (x, y, width, height, style) =>
          polygon(
            [
              [x, y],
              [x + width, y],
              [x + width, y + height],
              [x, y + height],
            ],
            style,
          ),
        strip: (x1, y1, x2, y2, width, style) => {
          const length = Math.hypot(x2 - x1, y2 - y1);
          const [nx, ny] = [((y1 - y2) / length) * (width / 2), ((x2 - x1) / length) * (width / 2)];
          return polygon(
            [
              [x1 + nx, y1 + ny],
              [x2 + nx, y2 + ny],
              [x2 - nx, y2 - ny],
              [x1 - nx, y1 - ny],
            ],
            style,
          );
        },
      };
    },
  };
}

/** @param {Vec3} a @param {Vec3} b @returns {Vec3} */
export function add(a, b) {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** @param {Vec3} a @param {number} factor @returns {Vec3} */
export function scale(a, factor) {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

/**
 * A number drawn evenly from a range.
 * @param {Random} random @param {number} low @param {number} high
 */
export function between(random, low, high) {
  return low + random.uniform() * (high - low);
}

/**
 * One of some things, each as likely.
 * @template T
 * @param {Random} random @param {readonly T[]} things
 * @returns {T}
 */
export function pick(random, things) {
  return /** @type {T} */ (things[random.integer(things.length)]);
}

/**
 * An SVG color from hue (degrees), saturation and lightness (percent, cut to what there is).
 * @param {number} hue @param {number} saturation @param {number} lightness
 */
export function hsl(hue, saturation, lightness) {
  const percent = (/** @type {number} */ value) => `${Math.max(0, Math.min(100, value)).toFixed(1)}%`;
  return `hsl(${(((hue % 360) + 360) % 360).toFixed(1)}, ${percent(saturation)}, ${percent(lightness)})`;
}

/**
 * The part of a polygon that lies in front of the camera (Sutherland and Hodgman's clipping by one plane).
 * @param {readonly Vec3[]} points
 */
function clipNear(points) {
  /** @type {Vec3[]} */
  const kept = [];
  for (const [index, a] of points.entries()) {
    const b = /** @type {Vec3} */ (points[(index + 1) % points.length]);
    if (a[2] >= near) kept.push(a);
    if (a[2] >= near !== b[2] >= near) kept.push(add(a, scale(add(b, scale(a, -1)), (near - a[2]) / (b[2] - a[2]))));
  }
  return kept;
}
