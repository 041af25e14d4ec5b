// The columns to the left of the bars, as rows of a tree grid. A row is made when it comes into sight.

import { make } from "../shared/dom.js";

const NARROW = 600;
const SHARE = 0.7; // most of the width that the columns take

export class Grid {
  #rows = new Map(); // elements by row
  #shape = "";

  /** `chosen` is a set of columns' ids, or null for those that fit. */
  constructor(tree, columns, { row, head, id, heading }) {
    this.tree = tree;
    this.columns = columns;
    this.chosen = null;
    this.height = row;
    this.id = id;
    this.heading = heading;
    this.head = make("div", { class: "heads", role: "row", "aria-rowindex": "1" });
    this.head.style.height = `${head}px`;
    this.body = make("div", { class: "rows", role: "rowgroup" });
    this.body.style.top = `${head}px`;
  }

  /** Lay the columns out for the width of the window, and return the width that they take. `bare` leaves no room for bars. */
  fit(width, bare) {
    const name = Math.round(width < NARROW ? width * 0.42 : Math.min(420, Math.max(220, width * 0.22)));
    this.shown = this.columns.filter(({ id, from = 0 }) => (this.chosen ? this.chosen.has(id) : width >= from));
    const taken = () => this.shown.reduce((sum, column) => sum + column.width, name);
    while (this.shown.length && taken() > width * (bare ? 1 : SHARE)) this.shown.pop();
    const pane = bare ? width : taken();
    const shape = `${pane} ${this.shown.map(({ id }) => id)}`;
    if (shape === this.#shape) return pane;
    this.#shape = shape;
    this.#rows.clear();
    this.body.replaceChildren();
    this.template = `minmax(0, 1fr) ${this.shown.map((column) => `${column.width}px`).join(" ")}`;
    this.pane = pane;
    this.head.replaceChildren(this.#cells([{ name: this.heading }, ...this.shown].map(({ name: text, end, title }) => make("span", { class: `cell${end ? " end" : ""}`, role: "columnheader", title }, text))));
    return pane;
  }

  /** Show the rows at the places from `first` until before `last`. */
  draw(first, last, top, chosen) {
    const gone = new Set(this.#rows.keys());
    for (let place = first; place < last; place += 1) {
      const row = this.tree.shown[place];
      gone.delete(row);
      if (!this.#rows.has(row)) {
        this.#rows.set(row, this.#row(row));
        this.body.append(this.#rows.get(row));
      }
      this.#update(this.#rows.get(row), row, place, top, chosen);
    }
    for (const row of gone) {
      this.#rows.get(row).remove();
      this.#rows.delete(row);
    }
  }

  #row(row) {
    const { rows } = this.tree;
    const { name, level, href, summary } = rows[row];
    const holds = this.tree.holds(row);
    const twist = make("span", { class: holds ? "twist" : "leaf", "data-row": holds ? row : null, "aria-hidden": "true" });
    const text = href ? make("a", { href, tabindex: "-1" }, name) : name;
    const called = make("span", { class: `cell called${summary ? " summary" : ""}`, role: "gridcell", title: name }, twist, make("span", { class: "text" }, text));
    called.style.paddingLeft = `${6 + Math.min(level, 8) * 14}px`;
    const others = this.shown.map((column) => make("span", { class: `cell${column.end ? " end" : ""}`, role: "gridcell" }, column.text(rows[row])));
    const element = make("div", { class: "row", role: "row", id: `${this.id}-${row}`, "aria-level": level + 1 }, this.#cells([called, ...others]));
    element.style.height = `${this.height}px`;
    return element;
  }

  #cells(cells) {
    const element = make("div", { class: "cells" }, cells);
    element.style.width = `${this.pane}px`;
    element.style.gridTemplateColumns = this.template;
    return element;
  }

  #update(element, row, place, top, chosen) {
    element.style.transform = `translateY(${place * this.height - top}px)`;
    element.setAttribute("aria-rowindex", place + 2);
    element.setAttribute("aria-selected", String(row === chosen));
    element.classList.toggle("odd", place % 2 === 1);
    if (this.tree.holds(row)) element.setAttribute("aria-expanded", String(this.tree.isOpen(row)));
  }
}
