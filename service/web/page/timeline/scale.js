// The scale of a timeline: which position a time has. A scale of 0 fits the whole span into the window.

export const DAY = 86_400_000;
const WIDEST = 15_000_000; // browsers limit the width of an element
const MOST = 64; // pixels of a day
const LEAST = 0.05;

/** Choices of a zoom: pixels of a day, and the name of what is then easy to read. */
export const ZOOMS = [["0", "Fit"], ["48", "Days"], ["14", "Weeks"], ["4", "Months"], ["1.3", "Quarters"], ["0.3", "Years"]];

/**
 * The range to draw for rows with `from` and `to` in milliseconds, with the `first` and `last` date in it and some
 * room around them. Null if no row has a date.
 */
export function spanOf(rows) {
  let first = Infinity;
  let last = -Infinity;
  for (const { from, to, old, marks } of rows) {
    for (const range of [{ from, to }, old]) {
      if (!range || Number.isNaN(range.from)) continue;
      first = Math.min(first, range.from);
      last = Math.max(last, range.to);
    }
    for (const { at } of marks ?? []) {
      first = Math.min(first, at);
      last = Math.max(last, at);
    }
  }
  if (first > last) return null;
  const room = Math.max(DAY, (last - first) * 0.02);
  return { first, last, from: first - room, to: Math.max(last, first + DAY) + room };
}

export class Scale {
  #perDay = 0;

  constructor({ from, to }) {
    this.from = from;
    this.days = (to - from) / DAY;
    this.room = 1; // pixels of the visible part
    this.left = 0; // pixels scrolled
  }

  /** Pixels of a day. */
  get perDay() { return this.#perDay || this.room / this.days; }

  get fits() { return !this.#perDay; }

  /** Set the pixels of a day; 0 fits. */
  set(perDay) {
    this.#perDay = perDay && Math.min(MOST, WIDEST / this.days, Math.max(Math.min(LEAST, this.room / this.days), perDay));
  }

  get width() { return Math.max(this.room, this.days * this.perDay); }

  /** Position of a time, from the left edge of the visible part. */
  x(time) { return ((time - this.from) / DAY) * this.perDay - this.left; }

  /** The time at a position. */
  time(x) { return this.from + ((x + this.left) / this.perDay) * DAY; }
}
