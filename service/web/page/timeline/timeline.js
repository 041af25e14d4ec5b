// A timeline of a project's tasks. The document has only the visible rows.

import { button, draw, make, unhurried } from "../shared/dom.js";
import { days, duration, number, several } from "../shared/format.js";
import { outline } from "./outline.js";
import { axis } from "./axis.js";

const ROW = 26;
const HEAD = 44;
const SCROLLBAR = 18;
const TALLEST = 15_000_000; // browsers limit the height of an element
const ZOOM = 1.6;
const ARROWS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

/** The section of a project. With a comparison, old dates are drawn below the bars. */
export function timeline(project, signal, comparison = null) {
  const { rows, span, links } = outline(project, comparison);
  const head = make("h2", {}, "Timeline");
  if (!rows.length) return make("section", {}, head, make("p", { class: "empty" }, "The project has no tasks."));
  if (!span) return make("section", {}, head, make("p", { class: "empty" }, `The project has ${several(rows.length, "task")}, but none has a date.`));
  const chart = new Chart(rows, span, links);
  const watching = new ResizeObserver(() => chart.draw());
  watching.observe(chart.scroller);
  signal.addEventListener("abort", () => watching.disconnect());
  const most = Math.floor((TALLEST - HEAD) / ROW);
  return make("section", { "aria-label": "Timeline" }, head,
    make("div", { class: "finder" }, chart.search,
      button("Fit", () => chart.zoom(0)), button("−", () => chart.zoom(1 / ZOOM), { "aria-label": "Zoom out" }), button("+", () => chart.zoom(ZOOM), { "aria-label": "Zoom in" }),
      make("span", { class: "quiet" }, `${several(rows.length, "task")}, ${several(links.length, "link")}, ${days(span.first, span.last)}`)),
    rows.length > most ? make("p", { class: "notice warn" }, `The timeline shows only the first ${number(most)} tasks.`) : null,
    comparison ? make("p", { class: "quiet" }, `Version ${number(comparison.to)}; below the bars, the dates of ${comparison.baseline ? `its baseline ${comparison.baseline.name ?? ""}` : `version ${number(comparison.from)}`}.`) : null,
    chart.scroller, chart.details);
}

/** The chart, with its scroll position, its chosen task and its scale. */
class Chart {
  constructor(rows, span, links) {
    this.rows = rows;
    this.span = span;
    this.links = links;
    this.scale = 1;
    this.chosen = -1;
    this.svg = draw("svg", { role: "img", "aria-label": "Tasks over time", click: (event) => this.#click(event) });
    this.size = make("div", { class: "extent" }, this.svg);
    this.scroller = make("div", {
      class: "timeline", tabindex: "0", role: "application", "aria-label": "Timeline: arrow keys choose a task", "aria-describedby": "task",
      scroll: () => requestAnimationFrame(() => this.draw()), keydown: (event) => this.#key(event),
    }, this.size);
    this.scroller.style.height = `${Math.min(TALLEST, HEAD + rows.length * ROW + SCROLLBAR)}px`; // page.css sets a maximum
    this.details = make("p", { class: "details", id: "task", role: "status" }, "Click a task, or use the arrow keys in the timeline, to read its details.");
    this.search = make("input", { type: "search", placeholder: "Find a task", "aria-label": "Find a task", input: unhurried(() => this.#find()), keydown: (event) => { if (event.key === "Enter") this.#find(1); } });
  }

  /** Multiply the scale by a factor; 0 fits the whole project. */
  zoom(factor) {
    const { scroller, scale, span } = this;
    const chosen = this.rows[this.chosen]?.from;
    const middle = Number.isFinite(chosen) ? ((chosen - span.from) / (span.to - span.from)) * this.#room() : (scroller.scrollLeft + this.#room() / 2) / scale;
    this.scale = factor ? Math.min(400, Math.max(1, scale * factor)) : 1;
    this.draw();
    scroller.scrollLeft = middle * this.scale - this.#room() / 2;
    this.draw();
  }

  #names() { return Math.min(300, Math.round(this.scroller.clientWidth * (this.scroller.clientWidth < 600 ? 0.42 : 0.32))); }
  #room() { return Math.max(1, this.scroller.clientWidth - this.#names()); }

  /** Position of a time, from the left edge of the visible part. */
  #x(time) {
    const { from, to } = this.span;
    return this.#names() + ((time - from) / (to - from)) * this.#room() * this.scale - this.scroller.scrollLeft;
  }

  draw() {
    const { scroller, svg, rows } = this;
    const { clientWidth: width, clientHeight: height, scrollTop: top } = scroller;
    if (!width) return;
    this.size.style.width = `${this.#names() + this.#room() * this.scale}px`;
    this.size.style.height = `${Math.min(TALLEST, HEAD + rows.length * ROW)}px`;
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const first = Math.max(0, Math.floor(top / ROW));
    const last = Math.min(rows.length, Math.ceil((top + height - HEAD) / ROW));
    const y = (place) => HEAD + place * ROW - top;
    const names = this.#names();
    const { below, above } = axis(this.span, (time) => this.#x(time), names, width, height, HEAD);
    svg.replaceChildren(
      ...this.#stripes(first, last, y, width),
      ...below,
      ...this.#arrows(first, last, y),
      ...range(first, last).flatMap((place) => [...this.#old(rows[place], y(place)), ...this.#bar(rows[place], y(place))]),
      draw("rect", { class: "names", x: 0, y: HEAD, width: names, height }),
      ...this.#stripes(first, last, y, names),
      draw("svg", { x: 0, y: 0, width: names - 4, height }, range(first, last).map((place) => this.#name(place, y(place), names))),
      ...above,
      draw("rect", { class: "corner", x: 0, y: 0, width: names, height: HEAD }),
      draw("line", { class: "edge", x1: names + 0.5, x2: names + 0.5, y1: 0, y2: height }),
    );
  }

  #stripes(first, last, y, width) {
    return range(first, last).filter((place) => place % 2 || place === this.chosen)
      .map((place) => draw("rect", { class: place === this.chosen ? "stripe chosen" : "stripe", x: 0, y: y(place), width, height: ROW }));
  }

  #name(place, y, names) {
    const { task, level, summary } = this.rows[place];
    const indent = 10 + Math.min(level, 8) * 12;
    const room = Math.max(3, Math.floor((names - indent - 8) / 7.4));
    const name = task.name || task.task_id;
    const text = draw("text", { class: `called${summary ? " summary" : ""}${place === this.chosen ? " chosen" : ""}`, x: indent, y: y + ROW / 2 + 4 }, name.length > room ? `${name.slice(0, room - 1)}…` : name);
    text.append(draw("title", {}, name));
    return text;
  }

  /** The old dates of a task that moved. */
  #old({ old }, y) {
    if (!old) return [];
    const from = this.#x(old.from);
    return [draw("rect", { class: "old", x: from, y: y + ROW - 6, width: Math.max(2, this.#x(old.to) - from), height: 4 })];
  }

  #bar(row, y) {
    if (Number.isNaN(row.from)) return [];
    const from = this.#x(row.from);
    if (row.milestone && !row.summary) {
      const middle = y + ROW / 2;
      return [draw("path", { class: "milestone", d: `M${from} ${middle - 7}l7 7l-7 7l-7 -7z` })];
    }
    const width = Math.max(2, this.#x(row.to) - from);
    if (row.summary) {
      return [draw("path", { class: "summary", d: `M${from} ${y + 8}h${width}v9l${-Math.min(5, width / 2)} -4h${-(width - Math.min(10, width))}l${-Math.min(5, width / 2)} 4z` })];
    }
    return [
      draw("rect", { class: "task", x: from, y: y + 6, width, height: ROW - 12, rx: Math.min(3, width / 2) }),
      row.done ? draw("rect", { class: "done", x: from, y: y + 6, width: width * row.done, height: ROW - 12, rx: Math.min(3, (width * row.done) / 2) }) : null,
    ].filter(Boolean);
  }

  /** Links with at least one visible end. */
  #arrows(first, last, y) {
    const seen = (place) => place >= first && place < last;
    return this.links.filter(({ before, after }) => seen(before) || seen(after)).map(({ before, after, type }) => {
      const [one, two] = [this.rows[before], this.rows[after]];
      if (Number.isNaN(one.from) || Number.isNaN(two.from)) return null;
      const [x1, x2] = [this.#x(type[0] === "F" ? one.to : one.from), this.#x(type[1] === "F" ? two.to : two.from)];
      const [y1, y2] = [y(before) + ROW / 2, y(after) + ROW / 2];
      const out = type[0] === "F" ? 6 : -6;
      const into = type[1] === "F" ? 6 : -6;
      const straight = type === "FS" && x2 - x1 > 12;
      const half = y2 > y1 ? y2 - ROW / 2 : y2 + ROW / 2;
      const way = straight ? `M${x1} ${y1}h${out}V${y2}H${x2}` : `M${x1} ${y1}h${out}V${half}H${x2 + into}V${y2}H${x2}`;
      const point = into < 0 ? `M${x2} ${y2}l-5 -3v6z` : `M${x2} ${y2}l5 -3v6z`;
      const chosen = before === this.chosen || after === this.chosen ? " chosen" : "";
      return [draw("path", { class: `link${chosen}`, d: way }), draw("path", { class: `point${chosen}`, d: point })];
    }).filter(Boolean).flat();
  }

  #click(event) {
    const place = Math.floor((event.clientY - this.svg.getBoundingClientRect().top - HEAD + this.scroller.scrollTop) / ROW);
    if (place >= 0 && place < this.rows.length) this.#choose(place);
  }

  #key(event) {
    const last = this.rows.length - 1;
    const place = { Home: 0, End: last }[event.key] ?? (event.key in ARROWS ? Math.min(last, Math.max(0, this.chosen + ARROWS[event.key])) : -1);
    if (place < 0) return;
    event.preventDefault();
    this.#choose(place);
  }

  #find(from = 0) {
    const text = this.search.value.trim().toLowerCase();
    if (!text) return;
    const order = range(0, this.rows.length).map((step) => (Math.max(0, this.chosen) + from + step) % this.rows.length);
    const place = order.find((each) => words(this.rows[each].task).toLowerCase().includes(text));
    if (place === undefined) this.details.textContent = "No task matches.";
    else this.#choose(place);
  }

  #choose(place) {
    this.chosen = place;
    const { scroller } = this;
    const inSight = scroller.clientHeight - HEAD - ROW;
    if (place * ROW < scroller.scrollTop) scroller.scrollTop = place * ROW;
    else if (place * ROW > scroller.scrollTop + inSight) scroller.scrollTop = place * ROW - inSight;
    const { from, to } = this.rows[place];
    const [start, end] = [this.#x(from), this.#x(to)];
    if (start < this.#names() || (end > scroller.clientWidth && start > this.#names() + this.#room() * 0.6)) scroller.scrollLeft += start - this.#names() - this.#room() * 0.2;
    this.details.textContent = this.#words(place);
    this.draw();
  }

  #words(place) {
    const { task, from, to, milestone, summary } = this.rows[place];
    const name = (other) => this.rows[other].task.name || this.rows[other].task.task_id;
    const before = this.links.filter(({ after }) => after === place).map((link) => `${name(link.before)} (${link.type})`);
    const after = this.links.filter((link) => link.before === place).map((link) => `${name(link.after)} (${link.type})`);
    const kind = milestone ? "milestone" : summary ? "summary" : "";
    const parts = [
      [task.code ?? task.wbs, task.name || task.task_id].filter(Boolean).join(" "), kind, days(from, to), milestone ? "" : duration(task.duration),
      task.percent_complete === null ? "" : `${number(task.percent_complete)} % done`,
      nameList("after", before), nameList("before", after),
    ];
    return `${parts.filter(Boolean).join(" · ")}.`;
  }
}

/** What a search looks through. */
const words = ({ name, code, wbs, task_id: id }) => [name, code, wbs, id].join(" ");

const range = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, step) => from + step);

const nameList = (word, names) => (names.length ? `${word} ${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}` : "");
