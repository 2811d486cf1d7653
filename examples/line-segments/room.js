import { between, createCamera, hsl, pick } from './camera.js';

/** @import { Random } from '../../dist/random.js' */
/** @import { Camera, Plane, Vec3 } from './camera.js' */

/** @typedef {{ hue: number, saturation: number, lightness: number }} Paint */

/**
 * A furnished room seen from one of its ends: floor boards or tiles, walls, doors, windows, pictures, shelves, furniture.
 * @param {Random} random
 * @param {number} size Width and height in pixels.
 * @returns {string} SVG elements.
 */
export function drawRoom(random, size) {
  const height = between(random, 2.4, 3);
  const half = between(random, 1.6, 2.6);
  const depth = between(random, 3.4, 5.6);
  /** @type {Vec3} */
  const eye = [between(random, -0.5, 0.5) * half, -between(random, 1.2, 1.65), 0];
  const camera = createCamera(size, {
    focal: between(random, 0.6, 0.85),
    yaw: between(random, -0.42, 0.42),
    pitch: between(random, -0.03, 0.16),
    roll: between(random, -0.03, 0.03),
    position: eye,
  });
  // The floor lies at y = 0, and the room begins behind the camera, so that its near end is out of sight.
  const begin = -0.6;
  const length = depth - begin;
  const ceiling = camera.plane([-half, -height, begin], [1, 0, 0], [0, 0, 1]);
  const floor = camera.plane([-half, 0, begin], [1, 0, 0], [0, 0, 1]);
  const left = camera.plane([-half, -height, begin], [0, 0, 1], [0, 1, 0]);
  const right = camera.plane([half, -height, begin], [0, 0, 1], [0, 1, 0]);
  const far = camera.plane([-half, -height, depth], [1, 0, 0], [0, 1, 0]);
  const paint = {
    hue: between(random, 0, 360),
    saturation: between(random, 3, 26),
    lightness: between(random, 56, 82),
  };
  const light = between(random, -9, 9);
  const drawFloor = pick(random, [drawBoards, drawBoards, drawTiles]);
  return [
    ceiling.rect(0, 0, 2 * half, length, fill(paint, 12 - paint.saturation, 12)),
    drawFloor(random, floor, 2 * half, length),
    drawRug(random, floor, 2 * half, length),
    drawWall(random, left, length, height, lighten(paint, light)),
    drawWall(random, right, length, height, lighten(paint, -light)),
    drawWall(random, far, 2 * half, height, paint),
    ...drawFurniture(random, camera, eye, half, depth),
  ].join('');
}

/**
 * A painted wall with a skirting board and what hangs on it or opens in it.
 * @param {Random} random @param {Plane} wall @param {number} width @param {number} height @param {Paint} paint
 */
function drawWall(random, wall, width, height, paint) {
  const pieces = [wall.rect(0, 0, width, height, fill(paint))];
  // Corners and edges get less light.
  for (let step = 1; step <= 6; step++) {
    const reach = 0.07 * step;
    const shade = 'fill="#000" fill-opacity="0.022"';
    pieces.push(wall.rect(0, 0, width, reach, shade), wall.rect(0, height - reach, width, reach, shade));
    pieces.push(wall.rect(0, 0, reach, height, shade), wall.rect(width - reach, 0, reach, height, shade));
  }
  const trim = fill({ hue: paint.hue, saturation: 8, lightness: between(random, 82, 94) });
  if (random.uniform() < 0.3) pieces.push(wall.rect(0, 0, width, 0.08, trim));
  pieces.push(wall.rect(0, height - 0.11, width, 0.11, trim));
  pieces.push(wall.rect(0, height - 0.12, width, 0.012, 'fill="#000" fill-opacity="0.25"'));
  const slot = between(random, 1.25, 1.7);
  for (let x = 0.15; x + slot < width; x += slot) {
    const draw = pick(random, [drawWindow, drawWindow, drawDoor, drawPicture, drawShelf, null]);
    if (draw !== null) pieces.push(draw(random, wall, x, slot, height, trim));
  }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} wall @param {number} x @param {number} slot @param {number} height @param {string} trim */
function drawWindow(random, wall, x, slot, height, trim) {
  const [w, top] = [between(random, 0.75, 0.95) * (slot - 0.1), 0.35];
  const h = height - top - between(random, 0.75, 1);
  const columns = 1 + random.integer(3);
  const rows = 1 + random.integer(3);
  const sky = {
    hue: between(random, 195, 220),
    saturation: between(random, 15, 60),
    lightness: between(random, 80, 95),
  };
  const horizon = h * between(random, 0.5, 0.85);
  const pieces = [
    wall.rect(x - 0.06, top - 0.06, w + 0.12, h + 0.12, 'fill="#000" fill-opacity="0.2"'),
    wall.rect(x - 0.05, top - 0.05, w + 0.1, h + 0.1, trim),
    wall.rect(x, top, w, h, fill(sky)),
    wall.rect(x, top + horizon, w, h - horizon, fill({ hue: between(random, 70, 140), saturation: 22, lightness: 45 })),
    wall.rect(x, top + h * 0.8, w, h * 0.2, 'fill="#fff" fill-opacity="0.12"'),
  ];
  for (let column = 1; column < columns; column++)
    pieces.push(wall.rect(x + (w * column) / columns - 0.02, top, 0.04, h, trim));
  for (let row = 1; row < rows; row++) pieces.push(wall.rect(x, top + (h * row) / rows - 0.015, w, 0.03, trim));
  pieces.push(wall.rect(x - 0.09, top + h + 0.04, w + 0.18, 0.05, trim));
  pieces.push(wall.rect(x - 0.09, top + h + 0.09, w + 0.18, 0.03, 'fill="#000" fill-opacity="0.22"'));
  return pieces.join('');
}

/** @param {Random} random @param {Plane} wall @param {number} x @param {number} slot @param {number} height @param {string} trim */
function drawDoor(random, wall, x, slot, height, trim) {
  const [w, h] = [Math.min(0.9, slot - 0.25), 2.03];
  const top = height - h;
  const wood = pick(random, [
    { hue: 40, saturation: 4, lightness: between(random, 80, 92) },
    { hue: between(random, 18, 34), saturation: between(random, 30, 50), lightness: between(random, 28, 50) },
  ]);
  const pieces = [
    wall.rect(x, top - 0.08, w + 0.16, h + 0.08, trim),
    wall.rect(x + 0.07, top - 0.01, w + 0.02, h + 0.01, 'fill="#000" fill-opacity="0.4"'),
    wall.rect(x + 0.08, top, w, h, fill(wood)),
  ];
  const columns = 1 + random.integer(2);
  const rows = 1 + random.integer(3);
  const [cell, tall] = [(w - 0.1) / columns, (h - 0.12) / rows];
  for (let column = 0; column < columns; column++)
    for (let row = 0; row < rows; row++) {
      const [px, py] = [x + 0.13 + column * cell + 0.05, top + 0.06 + row * tall + 0.05];
      pieces.push(wall.rect(px, py, cell - 0.1, tall - 0.1, fill(lighten(wood, -12))));
      pieces.push(wall.rect(px + 0.02, py + 0.02, cell - 0.13, tall - 0.13, fill(lighten(wood, 4))));
    }
  pieces.push(wall.rect(x + 0.12, top + 1.02, 0.13, 0.03, 'fill="#8a8a86"'));
  return pieces.join('');
}

/** @param {Random} random @param {Plane} wall @param {number} x @param {number} slot */
function drawPicture(random, wall, x, slot) {
  const [w, h] = [between(random, 0.4, 0.75) * slot, between(random, 0.4, 0.8)];
  const top = between(random, 0.6, 0.9);
  const hue = between(random, 0, 360);
  const edge = between(random, 0.02, 0.05);
  const mat = between(random, 0, 0.08);
  const pieces = [
    wall.rect(x + 0.03, top + 0.04, w, h, 'fill="#000" fill-opacity="0.25" filter="url(#soft)"'),
    wall.rect(x, top, w, h, fill({ hue: 30, saturation: 25, lightness: pick(random, [12, 22, 45, 92]) })),
    wall.rect(x + edge, top + edge, w - 2 * edge, h - 2 * edge, fill({ hue: 40, saturation: 10, lightness: 93 })),
  ];
  const [px, py, pw, ph] = [x + edge + mat, top + edge + mat, w - 2 * (edge + mat), h - 2 * (edge + mat)];
  pieces.push(wall.rect(px, py, pw, ph, fill({ hue, saturation: 35, lightness: 60 })));
  for (let i = 0; i < 5; i++) {
    const [u, v] = [random.uniform() * 0.7, random.uniform() * 0.7];
    const paint = { hue: hue + between(random, -70, 70), saturation: 45, lightness: between(random, 25, 80) };
    const points = [0, 1, 2].map(
      () =>
        /** @type {[number, number]} */ ([
          px + pw * Math.min(1, u + random.uniform() * 0.5),
          py + ph * Math.min(1, v + random.uniform() * 0.5),
        ]),
    );
    pieces.push(wall.polygon(points, fill(paint)));
  }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} wall @param {number} x @param {number} slot @param {number} height */
function drawShelf(random, wall, x, slot, height) {
  const w = slot * between(random, 0.7, 0.9);
  const wood = { hue: 28, saturation: between(random, 10, 45), lightness: between(random, 25, 75) };
  const boards = 2 + random.integer(4);
  const step = 0.36;
  const top = height - 0.12 - boards * step;
  const pieces = [wall.rect(x, top, w, boards * step, fill(lighten(wood, -22)))];
  for (let board = 0; board < boards; board++) {
    const foot = top + (board + 1) * step;
    for (let book = x + 0.03; book < x + w - 0.08; ) {
      const thick = between(random, 0.018, 0.055);
      const tall = between(random, 0.18, 0.3);
      const cover = {
        hue: between(random, 0, 360),
        saturation: between(random, 10, 60),
        lightness: between(random, 20, 75),
      };
      if (random.uniform() < 0.85) pieces.push(wall.rect(book, foot - tall, thick, tall, fill(cover)));
      book += thick + 0.003;
    }
    pieces.push(wall.rect(x, foot - 0.025, w, 0.03, fill(wood)));
  }
  pieces.push(wall.rect(x, top - 0.03, w, 0.03, fill(wood)));
  pieces.push(wall.rect(x - 0.015, top - 0.03, 0.03, boards * step + 0.03, fill(lighten(wood, 6))));
  pieces.push(wall.rect(x + w - 0.015, top - 0.03, 0.03, boards * step + 0.03, fill(lighten(wood, 6))));
  return pieces.join('');
}

/** @param {Random} random @param {Plane} floor @param {number} width @param {number} length */
function drawBoards(random, floor, width, length) {
  const wood = {
    hue: between(random, 20, 38),
    saturation: between(random, 18, 48),
    lightness: between(random, 32, 62),
  };
  const board = between(random, 0.11, 0.22);
  const pieces = [floor.rect(0, 0, width, length, fill(lighten(wood, -20)))];
  for (let x = 0; x < width; x += board)
    for (let z = -random.uniform() * 1.5; z < length; ) {
      const long = between(random, 0.9, 1.8);
      const [from, to] = [Math.max(0, z), Math.min(length, z + long)];
      const w = Math.min(board, width - x) - 0.006;
      const grain = lighten(wood, between(random, -5, 5));
      if (to > from) pieces.push(floor.rect(x, from, w, to - from - 0.006, fill(grain)));
      const line = between(random, 0.2, 0.8) * w;
      if (to > from) pieces.push(floor.rect(x + line, from, 0.008, to - from, fill(lighten(grain, -5))));
      z += long;
    }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} floor @param {number} width @param {number} length */
function drawTiles(random, floor, width, length) {
  const stone = {
    hue: between(random, 20, 230),
    saturation: between(random, 2, 14),
    lightness: between(random, 50, 82),
  };
  const dark = random.uniform() < 0.3 ? -35 : 0;
  const tile = between(random, 0.28, 0.6);
  const pieces = [floor.rect(0, 0, width, length, fill(lighten(stone, -25)))];
  for (let column = 0; column * tile < width; column++)
    for (let row = 0; row * tile < length; row++) {
      const [w, l] = [Math.min(tile, width - column * tile), Math.min(tile, length - row * tile)];
      const paint = lighten(stone, between(random, -2.5, 2.5) + ((column + row) % 2) * dark);
      pieces.push(floor.rect(column * tile, row * tile, w - 0.012, l - 0.012, fill(paint)));
    }
  return pieces.join('');
}

/** @param {Random} random @param {Plane} floor @param {number} width @param {number} length */
function drawRug(random, floor, width, length) {
  if (random.uniform() < 0.45) return '';
  const [w, l] = [width * between(random, 0.35, 0.6), length * between(random, 0.25, 0.4)];
  const [x, z] = [(width - w) * random.uniform(), length * between(random, 0.35, 0.55)];
  const wool = { hue: between(random, 0, 360), saturation: between(random, 8, 50), lightness: between(random, 30, 75) };
  return [0, 0.08, 0.13, 0.3]
    .map((inset, ring) =>
      floor.rect(x + inset, z + inset, w - 2 * inset, l - 2 * inset, fill(lighten(wool, ring % 2 === 0 ? 0 : 16))),
    )
    .join('');
}

/**
 * Two to four pieces of furniture, the farthest first.
 * @param {Random} random @param {Camera} camera @param {Vec3} eye @param {number} half @param {number} depth
 */
function drawFurniture(random, camera, eye, half, depth) {
  const count = 2 + random.integer(3);
  const places = Array.from({ length: count }, (_, index) => depth - 0.7 - (index * (depth - 2)) / count);
  return places.map(z => {
    const side = pick(random, [-1, 1]);
    const draw = pick(random, [drawCabinet, drawTable, drawSofa, drawTable]);
    return draw(random, camera, eye, side, half, z);
  });
}

/** @param {Random} random @param {Camera} camera @param {Vec3} eye @param {number} side @param {number} half @param {number} z */
function drawCabinet(random, camera, eye, side, half, z) {
  const [w, h, d] = [between(random, 0.6, 1.2), between(random, 0.7, 1.9), between(random, 0.4, 0.6)];
  const x = side < 0 ? -half + 0.02 : half - w - 0.02;
  const paint = {
    hue: between(random, 15, 45),
    saturation: between(random, 4, 45),
    lightness: between(random, 25, 85),
  };
  const front = camera.plane([x, -h, z - d / 2], [1, 0, 0], [0, 1, 0]);
  const [columns, rows] = [1 + random.integer(2), 1 + random.integer(4)];
  const [cell, tall] = [w / columns, h / rows];
  const drawers = Array.from({ length: columns * rows }, (_, index) => {
    const [dx, dy] = [(index % columns) * cell, Math.floor(index / columns) * tall];
    return [
      front.rect(dx + 0.012, dy + 0.012, cell - 0.024, tall - 0.024, fill(lighten(paint, -16))),
      front.rect(dx + 0.02, dy + 0.02, cell - 0.04, tall - 0.04, fill(lighten(paint, 3))),
      front.rect(dx + cell * 0.4, dy + tall * 0.45, cell * 0.2, 0.02, fill(lighten(paint, -28))),
    ].join('');
  });
  return (
    drawShadow(camera, x, z - d / 2, w, d) +
    drawBox(camera, eye, [x, -h, z - d / 2], [w, h, d], paint) +
    drawers.join('')
  );
}

/** @param {Random} random @param {Camera} camera @param {Vec3} eye @param {number} side @param {number} half @param {number} z */
function drawTable(random, camera, eye, side, half, z) {
  const [w, h, d] = [between(random, 0.8, 1.5), between(random, 0.45, 0.78), between(random, 0.5, 0.9)];
  const x = side * between(random, 0.1, 0.5) * half - w / 2;
  const paint = {
    hue: between(random, 15, 45),
    saturation: between(random, 4, 45),
    lightness: between(random, 18, 80),
  };
  const leg = between(random, 0.035, 0.08);
  const front = z - d / 2;
  const legs = [front + d - leg, front].flatMap(lz =>
    [x, x + w - leg].map(lx => drawBox(camera, eye, [lx, -h, lz], [leg, h, leg], lighten(paint, -6))),
  );
  const top = drawBox(camera, eye, [x - 0.03, -h - 0.04, front - 0.03], [w + 0.06, 0.045, d + 0.06], paint);
  const things = Array.from({ length: random.integer(3) }, () => {
    const [bw, bh, bd] = [between(random, 0.1, 0.3), between(random, 0.03, 0.3), between(random, 0.1, 0.25)];
    const color = {
      hue: between(random, 0, 360),
      saturation: between(random, 5, 60),
      lightness: between(random, 25, 80),
    };
    const at = x + random.uniform() * (w - bw);
    return drawBox(
      camera,
      eye,
      [at, -h - 0.04 - bh, front + 0.05 + random.uniform() * (d - bd - 0.1)],
      [bw, bh, bd],
      color,
    );
  });
  return [drawShadow(camera, x, front, w, d), ...legs, top, ...things].join('');
}

/** @param {Random} random @param {Camera} camera @param {Vec3} eye @param {number} side @param {number} half @param {number} z */
function drawSofa(random, camera, eye, side, half, z) {
  const [w, d] = [between(random, 1.3, 1.9), 0.8];
  const x = side < 0 ? -half + 0.1 : half - w - 0.1;
  const cloth = {
    hue: between(random, 0, 360),
    saturation: between(random, 5, 40),
    lightness: between(random, 25, 70),
  };
  const front = z - d / 2;
  const seats = 2 + random.integer(2);
  const cushion = (w - 0.36) / seats;
  return [
    drawShadow(camera, x, front, w, d),
    drawBox(camera, eye, [x, -0.85, front + d - 0.2], [w, 0.8, 0.2], cloth),
    drawBox(camera, eye, [x, -0.3, front + 0.05], [w, 0.25, d - 0.25], lighten(cloth, -8)),
    ...Array.from({ length: seats }, (_, seat) =>
      drawBox(
        camera,
        eye,
        [x + 0.18 + seat * cushion, -0.44, front],
        [cushion - 0.015, 0.15, d - 0.2],
        lighten(cloth, 5),
      ),
    ),
    ...[x, x + w - 0.18].map(ax => drawBox(camera, eye, [ax, -0.62, front], [0.18, 0.57, d], lighten(cloth, 1))),
  ].join('');
}

/**
 * The faces of a box that look at the camera, lit from above.
 * @param {Camera} camera @param {Vec3} eye
 * @param {Vec3} corner Its left, upper, near corner. @param {Vec3} extent Width, height, depth. @param {Paint} paint
 */
function drawBox(camera, eye, corner, extent, paint) {
  const [x, y, z] = corner;
  const [w, h, d] = extent;
  const outline = `stroke="#000" stroke-opacity="0.18" stroke-width="0.6"`;
  const faces = [];
  if (eye[1] < y)
    faces.push(camera.plane(corner, [1, 0, 0], [0, 0, 1]).rect(0, 0, w, d, `${fill(lighten(paint, 9))} ${outline}`));
  if (eye[0] < x)
    faces.push(camera.plane(corner, [0, 0, 1], [0, 1, 0]).rect(0, 0, d, h, `${fill(lighten(paint, -11))} ${outline}`));
  if (eye[0] > x + w)
    faces.push(
      camera.plane([x + w, y, z], [0, 0, 1], [0, 1, 0]).rect(0, 0, d, h, `${fill(lighten(paint, -7))} ${outline}`),
    );
  faces.push(camera.plane(corner, [1, 0, 0], [0, 1, 0]).rect(0, 0, w, h, `${fill(paint)} ${outline}`));
  return faces.join('');
}

/** @param {Camera} camera @param {number} x @param {number} z @param {number} w @param {number} d */
function drawShadow(camera, x, z, w, d) {
  const ground = camera.plane([x, 0, z], [1, 0, 0], [0, 0, 1]);
  return ground.rect(-0.08, -0.1, w + 0.16, d + 0.2, 'fill="#000" fill-opacity="0.4" filter="url(#soft)"');
}

/** @param {Paint} paint @param {number} [saturation] @param {number} [lightness] Added to the paint's. */
function fill(paint, saturation = 0, lightness = 0) {
  return `fill="${hsl(paint.hue, paint.saturation + saturation, paint.lightness + lightness)}"`;
}

/** @param {Paint} paint @param {number} amount Percent of lightness. @returns {Paint} */
function lighten(paint, amount) {
  return { ...paint, lightness: paint.lightness + amount };
}
