// A timeline: a tree grid of rows with columns, and bars over an axis. The document has only the visible rows.

import { draw, make } from "../shared/dom.js";
import { axis } from "./axis.js";
import { bar, ends } from "./bars.js";
import { Grid } from "./grid.js";
import { keyed } from "./keys.js";
import { linkPaths } from "./links.js";
import { Scale } from "./scale.js";
import { Tree } from "./tree.js";

const ROW = 28;
const HEAD = 46;
const SCROLLBAR = 18;
const TALLEST = 15_000_000; // browsers limit the height of an element
const ZOOM = 1.5;
let charts = 0;

/** Most rows that a chart can show. */
export const MOST_ROWS = Math.floor((TALLEST - HEAD) / ROW);

/**
 * A chart, whose `element` goes into the page.
 *
 * A row has a `name`, a `level` from 0, the times `from` and `to` in milliseconds (NaN without dates), and the share
 * `done`. It may have an `href`, `milestone`, `summary`, `critical`, `old` ({ from, to }) and `marks`
 * ({ at, sort, title, late }). Rows follow their parents. A column has an `id`, a `name`, a `width` in pixels, `text` of
 * a row, and the width `from` of the chart at which it is shown. `heading` is that of the names. `lines` are vertical ({ at, sort, title }). `chosen` is
 * called with the position of a row that the user chooses, and `zoomed` after each change of the scale. `span` is null if no row has a date.
 */
export class Chart {
  constructor({ rows, links = [], span, columns, lines = [], label, heading = "Task", signal, chosen = () => {}, zoomed = () => {} }) {
    this.rows = rows;
    this.signal = signal;
    this.links = links;
    this.lines = lines;
    this.showsLinks = true;
    this.choice = -1;
    this.tree = new Tree(rows);
    this.scale = span && new Scale(span);
    this.onChoice = chosen;
    this.onZoom = zoomed;
    this.id = `row-${charts += 1}`;
    this.grid = new Grid(this.tree, columns, { row: ROW, head: HEAD, id: this.id, heading });
    this.svg = draw("svg", { class: "drawing", "aria-hidden": "true" });
    this.view = make("div", { class: "view" }, this.grid.head, this.grid.body, span ? this.svg : null);
    this.extent = make("div", { class: "extent" }, this.view);
    this.element = make("div", {
      class: "timeline", tabindex: "0", role: "treegrid", "aria-label": label,
      scroll: () => requestAnimationFrame(() => this.draw()), keydown: (event) => keyed(this, event), click: (event) => this.#click(event),
    }, this.extent);
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.element.style.height = `${Math.min(TALLEST, HEAD + rows.length * ROW + SCROLLBAR)}px`; // timeline.css sets a maximum
    const watching = new ResizeObserver(() => {
      if (this.element.isConnected) this.draw();
      else watching.disconnect();
    });
    watching.observe(this.element);
    signal.addEventListener("abort", () => watching.disconnect());
  }

  draw() {
    const { element, view, tree, grid, scale, svg } = this;
    const { clientWidth: width, clientHeight: height } = element;
    if (!width) return;
    const pane = grid.fit(width, !scale);
    if (scale) scale.room = Math.max(1, width - pane);
    this.extent.style.width = scale ? `${pane + scale.width}px` : "";
    this.extent.style.height = `${Math.min(TALLEST, HEAD + tree.shown.length * ROW)}px`;
    view.style.width = `${width}px`;
    view.style.height = `${height}px`;
    const { scrollTop: top, scrollLeft: left } = element;
    const first = Math.max(0, Math.floor(top / ROW));
    const last = Math.min(tree.shown.length, Math.ceil((top + height - HEAD) / ROW));
    grid.draw(first, last, top, this.choice);
    this.#describe(first, last);
    if (!scale) return;
    scale.left = left;
    svg.setAttribute("width", scale.room);
    svg.setAttribute("height", height);
    svg.style.left = `${pane}px`;
    const x = (time) => scale.x(time);
    const y = (row) => HEAD + tree.placeOf(row) * ROW - top;
    const { below, above } = axis(scale, height, HEAD);
    svg.replaceChildren(...below, draw("line", { class: "grid", x1: 0.5, x2: 0.5, y1: 0, y2: height }), ...this.#links(x, y, height),
      ...tree.shown.slice(first, last).flatMap((row) => bar(this.rows[row], x, y(row), ROW)),
      ...this.lines.map(({ at, sort, title }) => draw("line", { class: sort, x1: x(at), x2: x(at), y1: HEAD, y2: height }, draw("title", {}, title))),
      ...above, ...this.lines.map(({ at, sort }) => draw("path", { class: `${sort} top`, d: `M${x(at)} ${HEAD}l-4 -6h8z` })));
  }

  /** Choose a row, and bring it into sight. */
  choose(row) {
    this.tree.reveal(row);
    this.choice = row;
    this.draw();
    const { element, scale } = this;
    const at = this.tree.placeOf(row) * ROW;
    const inSight = element.clientHeight - HEAD - ROW;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at > element.scrollTop + inSight) element.scrollTop = at - inSight;
    const [start, end] = scale ? [this.rows[row].from, this.rows[row].to].map((time) => scale.x(time)) : [];
    if (end < 0 || start < 0 || (end > scale?.room && start > scale.room * 0.6)) element.scrollLeft += start - scale.room * 0.2;
    this.draw();
    this.#bringIntoWindow(row);
    this.onChoice(row);
  }

  /** Scroll the page if the window ends above the row, or begins below it. */
  #bringIntoWindow(row) {
    const y = this.view.getBoundingClientRect().top + this.tree.placeOf(row) * ROW - this.element.scrollTop;
    const below = y + HEAD + ROW * 2 - innerHeight;
    if (y < 0 || below > 0) scrollBy(0, y < 0 ? y : below);
  }

  /** Open or close a row. */
  toggle(row) {
    this.tree.toggle(row);
    this.#keepChoice();
    this.draw();
  }

  openTo(levels) {
    this.tree.openTo(levels);
    this.#keepChoice();
    this.draw();
  }

  /** If the chosen row is hidden now, choose the row that hides it. */
  #keepChoice() {
    const before = this.choice;
    while (this.choice >= 0 && this.tree.placeOf(this.choice) < 0) this.choice = this.tree.parents[this.choice];
    if (this.choice !== before) this.onChoice(this.choice);
  }

  /** Multiply the scale. What is at the position `x` stays there: by default the chosen row, or the middle. */
  zoomBy(factor, x = this.#anchor()) { this.zoomTo(this.scale.perDay * factor, x); }

  /** Set the pixels of a day; 0 fits all. */
  zoomTo(perDay, x = this.#anchor()) {
    const { scale, element } = this;
    if (!scale) return;
    const time = scale.time(x);
    scale.set(perDay);
    this.draw();
    element.scrollLeft += scale.x(time) - x;
    this.draw();
    this.onZoom(scale);
  }

  /** Bring a time into the middle. */
  show(time) {
    this.element.scrollLeft += this.scale.x(time) - this.scale.room / 2;
    this.draw();
  }

  #anchor() {
    const { scale, rows, choice } = this;
    const at = scale && choice >= 0 ? scale.x(rows[choice].from) : NaN;
    return at >= 0 && at <= scale.room ? at : (scale?.room ?? 0) / 2;
  }

  #links(x, y, height) {
    if (!this.links.length) return [];
    const { tree, rows, links, choice, scale } = this;
    const at = (row) => (tree.placeOf(row) < 0 ? null : ends(rows[row], x, y(row), ROW));
    const own = this.showsLinks ? links : links.filter(({ before, after }) => before === choice || after === choice);
    return linkPaths(own, at, choice, { sight: { top: HEAD, bottom: height }, half: ROW / 2, perDay: scale.perDay });
  }

  #describe(first, last) {
    const { element, tree, choice } = this;
    element.setAttribute("aria-rowcount", tree.shown.length + 1);
    const place = choice < 0 ? -1 : tree.placeOf(choice);
    if (place >= first && place < last) element.setAttribute("aria-activedescendant", `${this.id}-${choice}`);
    else element.removeAttribute("aria-activedescendant");
  }

  #click(event) {
    const { row } = event.target.dataset;
    if (row !== undefined) return this.toggle(Number(row));
    const place = Math.floor((event.clientY - this.view.getBoundingClientRect().top - HEAD + this.element.scrollTop) / ROW);
    if (event.clientY - this.view.getBoundingClientRect().top > HEAD && place < this.tree.shown.length) this.choose(this.tree.shown[place]);
  }

  #wheel(event) {
    if (!this.scale || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? ZOOM : 1 / ZOOM, event.clientX - this.svg.getBoundingClientRect().left);
  }
}
