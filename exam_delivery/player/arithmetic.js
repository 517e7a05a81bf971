/** Exact arithmetic for the calculator: fractions of whole numbers, so that 0.1 + 0.2 is 0.3 and 1 ÷ 3 × 3 is 1. */

const PLACES = 12;
const ROOT_PLACES = 20n;
const PI = { n: 314159265358979323846n, d: 100000000000000000000n };
const TOKEN = /\s*(?:(\d+\.?\d*|\.\d+)|([-+×÷*/()√²%π]))/y;

/** Something in the expression that cannot be computed; `code` is "incomplete", "zero" or "root". */
export class ArithmeticError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const gcd = (a, b) => (b === 0n ? a : gcd(b, a % b));
const abs = (n) => (n < 0n ? -n : n);

function fraction(n, d) {
  if (d === 0n) throw new ArithmeticError("zero");
  const sign = d < 0n ? -1n : 1n;
  const common = gcd(abs(n), abs(d)) || 1n;
  return { n: (sign * n) / common, d: (sign * d) / common };
}

function parse(text) {
  const [whole, part = ""] = text.split(".");
  return fraction(BigInt(`${whole}${part}` || "0"), 10n ** BigInt(part.length));
}

/** Whole square root by Newton's way. */
function wholeRoot(n) {
  if (n < 2n) return n;
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (let next = (root + n / root) >> 1n; next < root; next = (root + n / root) >> 1n) root = next;
  return root;
}

function squareRoot({ n, d }) {
  if (n < 0n) throw new ArithmeticError("root");
  const [top, bottom] = [wholeRoot(n), wholeRoot(d)];
  if (top * top === n && bottom * bottom === d) return fraction(top, bottom);
  const scale = 10n ** ROOT_PLACES;
  return fraction(wholeRoot((n * scale * scale) / d), scale);
}

function tokens(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) throw new ArithmeticError("incomplete");
    found.push(match[1] ? { number: match[1] } : { sign: match[2].replace("*", "×").replace("/", "÷") });
  }
  return found;
}

/** A reader of one expression: sums of products of signed powers. */
function reader(list) {
  let at = 0;
  const sign = () => (list[at] ? list[at].sign : undefined);
  const accept = (...wanted) => wanted.includes(sign()) && list[at++].sign;

  function atom() {
    const token = list[at];
    if (!token) throw new ArithmeticError("incomplete");
    at += 1;
    if (token.number) return parse(token.number);
    if (token.sign === "π") return PI;
    if (token.sign !== "(") throw new ArithmeticError("incomplete");
    const value = sum();
    if (!accept(")")) throw new ArithmeticError("incomplete");
    return value;
  }

  function power() {
    if (accept("√")) return squareRoot(sign() === "-" ? signed() : power());
    let value = atom();
    for (let mark = accept("²", "%"); mark; mark = accept("²", "%")) {
      value = mark === "²" ? fraction(value.n * value.n, value.d * value.d) : fraction(value.n, value.d * 100n);
    }
    return value;
  }

  function signed() {
    if (accept("-")) {
      const value = signed();
      return { n: -value.n, d: value.d };
    }
    return accept("+") ? signed() : power();
  }

  function product() {
    let value = signed();
    for (let mark = accept("×", "÷"); mark; mark = accept("×", "÷")) {
      const other = signed();
      value = mark === "×" ? fraction(value.n * other.n, value.d * other.d) : fraction(value.n * other.d, value.d * other.n);
    }
    return value;
  }

  function sum() {
    let value = product();
    for (let mark = accept("+", "-"); mark; mark = accept("+", "-")) {
      const other = product();
      const added = mark === "+" ? other.n : -other.n;
      value = fraction(value.n * other.d + added * value.d, value.d * other.d);
    }
    return value;
  }

  return { sum, isAtEnd: () => at === list.length };
}

/** Write a fraction with at most 12 places after the point and 12 that count, the last one rounded. */
function written({ n, d }) {
  const digits = abs(n / d).toString().length;
  const places = BigInt(Math.max(0, Math.min(PLACES, n / d === 0n ? PLACES : PLACES - digits)));
  const scaled = (abs(n) * 10n ** places * 2n + d) / (d * 2n);
  const text = scaled.toString().padStart(Number(places) + 1, "0");
  const point = text.length - Number(places);
  const tail = text.slice(point).replace(/0+$/, "");
  return `${n < 0n && scaled > 0n ? "-" : ""}${text.slice(0, point)}${tail ? `.${tail}` : ""}`;
}

/**
 * Compute an expression such as `2×(3+√16)÷4`; full-width signs are read too.
 * @param {string} text
 * @returns {string} throws ArithmeticError
 */
export function compute(text) {
  const half = text.replace(/[！-～]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[−—]/g, "-").replace(/[xX]/g, "×");
  const list = tokens(half);
  const read = reader(list);
  const value = read.sum();
  if (!read.isAtEnd()) throw new ArithmeticError("incomplete");
  return written(value);
}
