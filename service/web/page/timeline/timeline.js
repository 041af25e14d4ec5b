// The timeline of a project, with its tools, its legend and the details of the chosen task.

import { button, choice, make, unhurried } from "../shared/dom.js";
import { number, planTime } from "../shared/format.js";
import { baselineChoices } from "./baselines.js";
import { Chart, MOST_ROWS } from "./chart.js";
import { taskColumns } from "./columns.js";
import { matches, showTask, size, words } from "./details.js";
import { hoursOfDay } from "./hours.js";
import { legend } from "./legend.js";
import { outline } from "./outline.js";
import { spanOf, ZOOMS } from "./scale.js";

const ZOOM = 1.5;
const ALL = "all";

/**
 * The section of a project, as `element`, and `goTo`, which chooses a task. With a comparison, its old dates are drawn below
 * the bars instead of those of a baseline.
 */
export function timeline(project, signal, comparison = null) {
  const heading = make("h2", {}, "Timeline");
  if (!project.tasks.length) return { element: make("section", {}, heading, make("p", { class: "empty" }, "The project has no tasks.")), goTo: () => {} };
  const section = make("section", { class: "whole", "aria-label": "Timeline" });
  const { pairs, first } = baselineChoices(project);
  let chart;
  const draw = (baseline) => {
    const made = content(project, signal, comparison, { baseline, pairs, draw });
    ({ chart } = made);
    section.replaceChildren(heading, ...made.elements);
  };
  draw(comparison ? null : first);
  return { element: section, goTo };

  function goTo({ kind, task_id: id }) {
    const row = chart.rows.findIndex(({ task }) => task.task_id === id && task.kind === kind);
    if (row < 0) return;
    chart.choose(row);
    chart.element.focus();
    chart.element.scrollIntoView({ block: "center" });
  }
}

function content(project, signal, comparison, baselines) {
  const { rows, links } = outline(project, { comparison, baseline: baselines.baseline });
  const span = spanOf(rows);
  const perDay = hoursOfDay(project);
  const lines = verticals(project, span);
  const oldName = nameOfOld(comparison, baselines);
  const details = make("div", { class: "details", id: "task" });
  const columns = taskColumns(rows, perDay);
  const show = (row) => showTask(details, { rows, links }, row, { perDay, oldName }, (other) => chart.choose(other));
  const chart = new Chart({ rows, links, span, columns, lines, label: "Tasks over time", signal, chosen: show, zoomed: (scale) => { zoom.value = nearest(scale); } });
  const zoom = choice(ZOOMS, { "aria-label": "Zoom", change: () => chart.zoomTo(Number(zoom.value)) });
  show(-1);
  const dated = span ? [zooming(chart, zoom), view(chart, columns, links, comparison ? null : baselines)] : [];
  const elements = [
    make("div", { class: "finder tools" }, search(chart, rows), levels(chart), dated),
    make("p", { class: "quiet" }, size(rows, links, span)),
    rows.length > MOST_ROWS ? make("p", { class: "notice warn" }, `The timeline shows only the first ${number(MOST_ROWS)} tasks.`) : "",
    span ? "" : make("div", { class: "notice" }, "No task has a date, so there are no bars."),
    chart.element, span ? legend(rows, links, lines, oldName) : "", details,
  ];
  return { chart, elements };
}

/** The lines of today and of the data date, where the chart has them. */
export function verticals({ data_date: date }, span) {
  if (!span) return [];
  const now = new Date();
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours());
  return [{ at: planTime(date), sort: "data-date", name: "Data date" }, { at: today, sort: "today", name: "Today" }]
    .filter(({ at }) => at >= span.from && at <= span.to)
    .map((line) => ({ ...line, title: line.name }));
}

function nameOfOld(comparison, { baseline, pairs }) {
  if (comparison && !comparison.baseline) return `Version ${number(comparison.from)}`;
  const name = comparison ? comparison.baseline.name : pairs.find(([value]) => value === baseline)?.[1];
  return !name || /baseline/i.test(name) ? name || "Baseline" : `Baseline ${name}`;
}

function search(chart, rows) {
  const found = make("span", { class: "quiet", role: "status" });
  const find = (from) => {
    const text = field.value.trim().toLowerCase();
    const hits = text ? rows.map((row, place) => (words(row).includes(text) ? place : -1)).filter((place) => place >= 0) : [];
    found.textContent = text ? matches(hits.length) : "";
    if (hits.length) chart.choose(hits.find((place) => place >= chart.choice + from) ?? hits[0]);
  };
  const field = make("input", {
    type: "search", placeholder: "Find a task", "aria-label": "Find a task", input: unhurried(() => find(0)),
    keydown: (event) => { if (event.key === "Enter") find(1); },
  });
  return [field, found];
}

function levels(chart) {
  const { deepest } = chart.tree;
  if (!deepest) return null;
  const pairs = Array.from({ length: Math.min(deepest, 9) }, (_, level) => [level + 1, `To level ${level + 1}`]);
  return choice([[ALL, "All levels"], ...pairs], { "aria-label": "Outline", change: ({ target }) => chart.openTo(target.value === ALL ? Infinity : Number(target.value)) });
}

/** The controls of a chart's scale. */
export function zooming(chart, select) {
  const today = chart.lines.find(({ sort }) => sort === "today");
  return [
    today ? button("Today", () => chart.show(today.at)) : null,
    make("span", { class: "joined" }, button("−", () => chart.zoomBy(1 / ZOOM), { "aria-label": "Zoom out" }), select, button("+", () => chart.zoomBy(ZOOM), { "aria-label": "Zoom in" })),
  ];
}

/** The choice whose scale is the next smaller one. */
export const nearest = ({ fits, perDay }) => (fits ? ZOOMS[0] : ZOOMS.slice(1).find(([value]) => Number(value) <= perDay * 1.01) ?? ZOOMS.at(-1))[0];

/** The menu of what is shown. */
function view(chart, columns, links, baselines) {
  const tick = (label, checked, change) => make("label", {}, make("input", { type: "checkbox", checked, change: ({ target }) => { change(target.checked); chart.draw(); } }), " ", label);
  const sheet = make("div", { class: "sheet" });
  const menu = make("details", { class: "menu", toggle: () => { if (menu.open) fill(); }, keydown: (event) => { if (event.key === "Escape") { menu.open = false; menu.firstChild.focus(); } } },
    make("summary", { class: "as-button" }, "View"), sheet);
  const fill = () => sheet.replaceChildren(
    make("fieldset", {}, make("legend", { class: "label" }, "Columns"), columns.map(({ id, name, title }) => tick(title ?? name, chart.grid.shown.some((each) => each.id === id), (on) => {
      const { grid } = chart;
      grid.chosen ??= new Set(grid.shown.map((each) => each.id));
      if (on) grid.chosen.add(id);
      else grid.chosen.delete(id);
    }))),
    links.length ? make("fieldset", {}, make("legend", { class: "label" }, "Bars"), tick("Links", chart.showsLinks, (on) => { chart.showsLinks = on; })) : "",
    baselines?.pairs.length ? make("label", { class: "field" }, make("span", { class: "label" }, "Baseline"), baselineChoice(baselines)) : "");
  const close = ({ target }) => {
    if (!menu.isConnected) document.removeEventListener("click", close);
    else if (!menu.contains(target)) menu.open = false;
  };
  document.addEventListener("click", close, { signal: chart.signal });
  return menu;
}

function baselineChoice({ pairs, baseline, draw }) {
  const select = choice([["", "none"], ...pairs], { change: () => draw(select.value === "" ? null : Number(select.value)) });
  select.value = baseline ?? "";
  return select;
}
