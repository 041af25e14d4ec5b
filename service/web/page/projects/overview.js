// All projects on one timeline, in the order and with the filters of the table.

import { ask } from "../shared/api.js";
import { choice, make } from "../shared/dom.js";
import { days, number, planTime, several } from "../shared/format.js";
import { loading, problem } from "../shared/notice.js";
import { Chart } from "../timeline/chart.js";
import { shortDay } from "../timeline/columns.js";
import { legend } from "../timeline/legend.js";
import { spanOf, ZOOMS } from "../timeline/scale.js";
import { nearest, verticals, zooming } from "../timeline/timeline.js";
import { emptiness } from "./table.js";

const MOST = 5000; // projects on one timeline
const COLUMNS = [
  { id: "start", name: "Start", width: 92, from: 640, text: ({ from }) => shortDay(from) },
  { id: "finish", name: "Finish", width: 92, from: 640, text: ({ to }) => shortDay(to) },
  { id: "done", name: "Done", width: 58, from: 900, end: true, text: ({ progress }) => (progress === null ? "" : `${number(Math.round(progress))} %`) },
];

/** Show the projects of a query. */
export async function projectTimeline(place, query, { signal, narrowed, clear }) {
  place.replaceChildren(loading());
  const projects = [];
  let next = `projects?limit=1000&${query}`;
  try {
    while (next && projects.length < MOST) {
      const page = await ask(next, { signal });
      projects.push(...page.projects);
      ({ next } = page);
      if (!signal.aborted && next) place.replaceChildren(make("p", { class: "quiet", role: "status" }, `Loading … ${several(projects.length, "project")} so far`));
    }
    if (signal.aborted) return;
    place.replaceChildren(projects.length ? chart(projects, next !== null, signal) : make("p", { class: "empty" }, emptiness(narrowed, clear)));
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted) place.replaceChildren(problem(error, () => projectTimeline(place, query, { signal, narrowed, clear })));
  }
}

function chart(projects, cut, signal) {
  const rows = projects.map(bar);
  const span = spanOf(rows);
  const lines = verticals({}, span);
  const zoom = choice(ZOOMS, { "aria-label": "Zoom", change: () => made.zoomTo(Number(zoom.value)) });
  const made = new Chart({ rows, span, columns: COLUMNS, lines, label: "Projects over time", heading: "Project", signal, zoomed: (scale) => { zoom.value = nearest(scale); } });
  const undated = rows.filter(({ from }) => Number.isNaN(from)).length;
  const size = [`Showing ${several(rows.length, "project")}`, span && days(span.first, span.last), undated && `${number(undated)} without dates`].filter(Boolean);
  return make("section", { class: "whole", "aria-label": "Timeline" },
    make("div", { class: "above" }, make("p", { class: "quiet", role: "status" }, size.join(" · ")), span ? make("div", { class: "tools" }, zooming(made, zoom)) : null),
    cut ? make("p", { class: "notice warn" }, `The timeline shows the first ${number(MOST)} projects. Narrow the list to see others.`) : null,
    made.element, span ? legend(rows, [], lines, null) : null);
}

function bar({ project_id: id, title, start, finish, progress }) {
  const [begin, end] = [planTime(start), planTime(finish)];
  const from = Number.isNaN(begin) ? end : begin;
  return { name: title, href: `#/projects/${id}`, level: 0, from, to: Number.isNaN(end) ? from : Math.max(from, end), done: (progress ?? 0) / 100, progress, marks: [] };
}
