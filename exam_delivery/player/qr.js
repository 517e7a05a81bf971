/** QR codes for receipts: version 9 with error correction M holds 180 bytes, which is enough; loaded on the receipt page alone. */

const SIZE = 53;
const BLOCKS = [36, 36, 36, 37, 37];
const CHECKS = 22;
const CAPACITY = 180;
const CENTRES = [6, 26, 46];
const FORMAT = 0x5412; // correction M, mask 0
const VERSION = 0x09a99;

const EXP = [];
const LOG = [];
for (let i = 0, x = 1; i < 255; i += 1, x = x > 127 ? (x << 1) ^ 0x11d : x << 1) {
  EXP[i] = x;
  LOG[x] = i;
}
const times = (a, b) => (a && b ? EXP[(LOG[a] + LOG[b]) % 255] : 0);

/** The generator of Reed and Solomon, without its leading 1. */
function generator() {
  let found = [1];
  for (let i = 0; i < CHECKS; i += 1) {
    const next = found.concat([0]);
    found.forEach((value, at) => {
      next[at + 1] ^= times(value, EXP[i]);
    });
    found = next;
  }
  return found.slice(1);
}

function checks(block, by) {
  const rest = Array(CHECKS).fill(0);
  block.forEach((byte) => {
    const factor = byte ^ rest.shift();
    rest.push(0);
    by.forEach((value, at) => {
      rest[at] ^= times(value, factor);
    });
  });
  return rest;
}

/** Byte mode: four bits of mode, eight of length, the bytes, and padding; then blocks interleaved with their checks. */
function codewords(bytes) {
  const nibbles = [4, bytes.length >> 4, bytes.length & 15];
  bytes.forEach((byte) => nibbles.push(byte >> 4, byte & 15));
  nibbles.push(0);
  const data = [];
  for (let at = 0; at < nibbles.length; at += 2) data.push((nibbles[at] << 4) | nibbles[at + 1]);
  for (let pad = 0xec; data.length < CAPACITY + 2; pad ^= 0xec ^ 0x11) data.push(pad);
  const blocks = BLOCKS.map((length) => data.splice(0, length));
  const by = generator();
  const woven = (lists) => lists[4].map((_, at) => lists.map((list) => list[at])).flat();
  return woven(blocks).filter((byte) => byte !== undefined).concat(woven(blocks.map((block) => checks(block, by))));
}

/** Everything that is always the same: finders, timing, alignment, format and version. */
function frame() {
  const grid = Array.from({ length: SIZE }, () => Array(SIZE).fill(null));
  const square = (row, column, reach, dark) => {
    for (let y = -reach; y <= reach; y += 1) {
      for (let x = -reach; x <= reach; x += 1) {
        if (row + y in grid && column + x in grid) grid[row + y][column + x] = dark(Math.max(Math.abs(y), Math.abs(x)));
      }
    }
  };
  for (let i = 0; i < SIZE; i += 1) grid[6][i] = grid[i][6] = i % 2 === 0;
  [[3, 3], [3, SIZE - 4], [SIZE - 4, 3]].forEach(([y, x]) => square(y, x, 4, (ring) => ring !== 2 && ring !== 4));
  CENTRES.forEach((y) => CENTRES.forEach((x) => {
    if (y === 26 || x === 26 || y + x === 92) square(y, x, 2, (ring) => ring !== 1);
  }));
  for (let i = 0; i < 15; i += 1) {
    const dark = ((FORMAT >> i) & 1) === 1;
    grid[i < 6 ? i : i < 8 ? i + 1 : SIZE - 15 + i][8] = dark;
    grid[8][i < 8 ? SIZE - 1 - i : i === 8 ? 7 : 14 - i] = dark;
  }
  grid[SIZE - 8][8] = true;
  for (let i = 0; i < 18; i += 1) {
    grid[Math.floor(i / 3)][SIZE - 11 + (i % 3)] = grid[SIZE - 11 + (i % 3)][Math.floor(i / 3)] = ((VERSION >> i) & 1) === 1;
  }
  return grid;
}

/**
 * Draw a text.
 * @param {string} text
 * @returns {boolean[][]|null} rows of modules, dark ones true; null when the text is too long
 */
export function qrModules(text) {
  const bytes = [...new TextEncoder().encode(text)];
  if (bytes.length > CAPACITY) return null;
  const words = codewords(bytes);
  const grid = frame();
  let at = 0;
  for (let right = SIZE - 1; right > 0; right -= right === 8 ? 3 : 2) {
    const up = ((SIZE - 1 - right + (right < 6 ? -1 : 0)) / 2) % 2 === 0;
    for (let step = 0; step < SIZE; step += 1) {
      const row = up ? SIZE - 1 - step : step;
      [right, right - 1].forEach((column) => {
        if (grid[row][column] !== null) return;
        const bit = ((words[at >> 3] || 0) >> (7 - (at & 7))) & 1;
        grid[row][column] = (bit ^ ((row + column + 1) % 2)) === 1;
        at += 1;
      });
    }
  }
  return grid;
}
