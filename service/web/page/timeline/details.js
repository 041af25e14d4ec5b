// The details of the chosen task, below the timeline.

import { button, make } from "../shared/dom.js";
import { days, duration, number, several } from "../shared/format.js";
import { hours, inDays, percent } from "./hours.js";
import { constraintName } from "./outline.js";
import { planTime, day } from "../shared/format.js";

const MOST = 8;

/** Show a task in `place`. `choose` is called with the row of a linked task. */
export function showTask(place, { rows, links }, row, { perDay, oldName }, choose) {
  if (row < 0) return place.replaceChildren(make("p", { class: "quiet" }, "Choose a task to see its dates, float and links."));
  const { task, from, to, old, summary, milestone, critical } = rows[row];
  const facts = [
    ["Dates", Number.isNaN(from) ? "none" : days(from, to)],
    [oldName, old ? days(old.from, old.to) : ""],
    ["Duration", milestone ? "" : inDays(hours(task.duration), perDay), duration(task.duration)],
    ["Total float", inDays(hours(task.total_float), perDay), duration(task.total_float)],
    ["Done", percent(task.percent_complete)],
    ["Deadline", task.deadline && day(planTime(task.deadline))],
    ["Constraint", task.constraint_type && `${constraintName(task.constraint_type)}${task.constraint_date ? ` ${day(planTime(task.constraint_date))}` : ""}`],
  ];
  const kind = milestone ? "Milestone" : summary ? "Summary" : null;
  place.replaceChildren(
    make("h3", {}, [task.code ?? task.wbs, rows[row].name].filter(Boolean).join(" "), " ",
      kind ? make("span", { class: "badge" }, kind) : null, " ", critical ? make("span", { class: "badge failed" }, "Critical") : null),
    make("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value, title]) => make("div", {}, make("dt", {}, name), make("dd", { title }, value)))),
    linked("After", links.filter(({ after }) => after === row), "before"), linked("Before", links.filter(({ before }) => before === row), "after"));

  function linked(label, found, end) {
    if (!found.length) return "";
    return make("p", { class: "linked" }, make("span", { class: "quiet" }, label),
      found.slice(0, MOST).map((link) => button([rows[link[end]].name, " ", make("span", { class: "quiet" }, type(link))], () => choose(link[end]), { class: "plain" })),
      found.length > MOST ? make("span", { class: "quiet" }, `and ${several(found.length - MOST, "other")}`) : null);
  }

  function type({ type: sort, lag }) {
    const wait = hours(lag);
    return wait ? `${sort} ${wait > 0 ? "+" : "−"}${inDays(Math.abs(wait), perDay)}` : sort;
  }
}

/** A sentence on the size of a plan. */
export function size(rows, links, span) {
  return [several(rows.length, "task"), links.length ? several(links.length, "link") : "", span ? days(span.first, span.last) : ""].filter(Boolean).join(" · ");
}

/** What a search looks through. */
export const words = ({ task: { name, code, wbs, task_id: id } }) => [name, code, wbs, id].join(" ").toLowerCase();

export const matches = (count) => (count ? `${number(count)} found` : "No task matches.");
