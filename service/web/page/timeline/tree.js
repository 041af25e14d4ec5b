// Which rows of an outline are shown. Rows have a `level`, and follow their parents.

export class Tree {
  #closed = new Set();

  constructor(rows) {
    this.rows = rows;
    this.parents = [];
    const path = [];
    rows.forEach(({ level }, row) => {
      path.length = level;
      this.parents.push(path.at(-1) ?? -1);
      path[level] = row;
    });
    this.deepest = rows.reduce((most, { level }) => Math.max(most, level), 0);
    this.#list();
  }

  /** Whether a row has rows below it. */
  holds(row) { return (this.rows[row + 1]?.level ?? 0) > this.rows[row].level; }

  isOpen(row) { return !this.#closed.has(row); }

  /** Position of a row among the shown ones, or -1. */
  placeOf(row) { return this.places[row] ?? -1; }

  toggle(row) {
    if (!this.#closed.delete(row)) this.#closed.add(row);
    this.#list();
  }

  /** Show the rows of the first levels; 1 shows only the top. */
  openTo(levels) {
    this.#closed = new Set();
    this.rows.forEach(({ level }, row) => { if (level >= levels - 1 && this.holds(row)) this.#closed.add(row); });
    this.#list();
  }

  /** Open what hides a row. */
  reveal(row) {
    if (this.placeOf(row) >= 0) return;
    for (let each = this.parents[row]; each >= 0; each = this.parents[each]) this.#closed.delete(each);
    this.#list();
  }

  #list() {
    this.shown = [];
    this.places = new Int32Array(this.rows.length).fill(-1);
    for (let row = 0, hidden = Infinity; row < this.rows.length; row += 1) {
      const { level } = this.rows[row];
      if (level > hidden) continue;
      hidden = this.#closed.has(row) ? level : Infinity;
      this.places[row] = this.shown.length;
      this.shown.push(row);
    }
  }
}
