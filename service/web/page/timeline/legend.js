// The legend of a timeline: only what its rows have.

import { draw, make } from "../shared/dom.js";
import { bar } from "./bars.js";

const WIDE = 26;
const HIGH = 20;
const DAYS = { from: 2, to: 24, level: 0, done: 0 };

/** The legend. `oldName` says what the thin bars are; null without them. `lines` are those of the chart. */
export function legend(rows, links, lines, oldName) {
  const leaf = rows.filter(({ from, summary }) => !Number.isNaN(from) && !summary);
  const bars = leaf.filter(({ milestone }) => !milestone);
  const marks = new Set(rows.flatMap(({ marks: each }) => each.map(({ sort }) => sort)));
  const late = rows.some(({ marks: each }) => each.some((mark) => mark.late));
  const mark = (sort, more = {}) => bar({ from: NaN, marks: [{ at: 13, sort, title: "", ...more }] }, same, 4, HIGH);
  const entries = [
    ["Task", bars.some(({ critical }) => !critical) && bar(DAYS, same, 0, HIGH)],
    ["Critical", leaf.some(({ critical }) => critical) && bar({ ...DAYS, critical: true }, same, 0, HIGH)],
    ["Done", bars.some(({ done }) => done) && bar({ ...DAYS, done: 0.6 }, same, 0, HIGH)],
    ["Summary", rows.some(({ summary, from }) => summary && !Number.isNaN(from)) && bar({ ...DAYS, summary: true }, same, 0, HIGH)],
    ["Milestone", leaf.some(({ milestone }) => milestone) && bar({ from: 13, to: 13, milestone: true }, same, 0, HIGH)],
    [oldName, rows.some(({ old }) => old) && bar({ from: NaN, old: { from: 2, to: 24 } }, same, -4, HIGH)],
    ["Deadline", marks.has("deadline") && mark("deadline")],
    ["Missed deadline", late && mark("deadline", { late: true })],
    ["Constraint", marks.has("constraint") && mark("constraint")],
    ["Link", links.length > 0 && [draw("path", { class: "link", d: `M2 10H20` }), draw("path", { class: "point", d: "M24 10l-5 -3v6z" })]],
    ...lines.map(({ sort, name }) => [name, [draw("line", { class: sort, x1: 13, x2: 13, y1: 2, y2: HIGH - 2 })]]),
  ];
  return make("ul", { class: "legend", "aria-label": "Legend" }, entries.filter(([, shapes]) => shapes)
    .map(([name, shapes]) => make("li", {}, draw("svg", { width: WIDE, height: HIGH, "aria-hidden": "true" }, shapes), name)));
}

const same = (time) => time;
