// The summary of a comparison: what a planner reads first, then each sort of change with examples.

import { button, make } from "../shared/dom.js";
import { day, number, planTime } from "../shared/format.js";
import { hours } from "../timeline/hours.js";

const TILES = [
  ["slipped", "Slipped", "failed"], ["pulled_in", "Pulled in", "created"], ["milestones", "Milestones moved", ""],
  ["added", "Tasks added", ""], ["removed", "Tasks removed", ""], ["joined_critical", "Became critical", "failed"],
];
const SORTS = {
  slipped: "Slipped", pulled_in: "Pulled in", milestones: "Milestones moved", added: "Tasks added", removed: "Tasks removed",
  started: "Started", finished: "Finished", joined_critical: "Became critical", left_critical: "No longer critical",
  float_lost: "Lost float", durations: "Duration changed", links_added: "Links added", links_removed: "Links removed",
  links_changed: "Links changed", constraints: "Constraint or deadline changed", calendars: "Calendars",
  task_calendars: "Calendar of task changed", resources: "Resources", assignments: "Assignments", costs: "Cost changed",
  actuals: "Actual dates changed after the fact",
};
const MIXED = new Set(["calendars", "resources", "assignments"]); // sorts with records that were added, removed or changed
const OPEN = new Set(["slipped", "milestones"]);

/** The section of a summary. `names` are those of both sides, and `go` is called with the record of a task. */
export function summarised(summary, names, currency, go) {
  const sorts = Object.entries(SORTS).filter(([name]) => summary[name].count);
  const facts = [dates("Finish", summary.finish), dates("Data date", summary.data_date), total("Cost", summary.cost, currency ?? ""), total("Work", worked(summary.work), "h")];
  return make("section", { class: "card summarised", "aria-label": "Summary" },
    make("p", { class: "verdict" }, headline(summary.finish)),
    make("p", { class: "quiet" }, `From ${names.from} to ${names.to}`),
    make("dl", { class: "tiles" }, TILES.map(([name, label, sort]) => make("div", { class: summary[name].count ? sort : "none" },
      make("dt", {}, label), make("dd", {}, number(summary[name].count))))),
    make("dl", { class: "facts" }, facts.filter(Boolean)),
    sorts.map(([name, label]) => make("details", { open: OPEN.has(name) && summary[name].count <= 5 },
      make("summary", {}, `${label}: ${number(summary[name].count)}`),
      make("ul", {}, summary[name].items.map((item) => make("li", {}, described(name, item, go)))),
      summary[name].count > summary[name].items.length ? make("p", { class: "quiet" }, `and ${number(summary[name].count - summary[name].items.length)} more`) : null)));
}

const amount = (value) => `${number(value)} ${value === 1 ? "day" : "days"}`;
const later = (value) => `${amount(Math.abs(value))} ${value > 0 ? "later" : "earlier"}`;

function headline({ from, to, days: moved }) {
  if (moved) return `The project finishes ${later(moved)}.`;
  return from === to || moved === 0 ? "The project finishes on the same date." : "The finish of the project cannot be compared.";
}

const fact = (label, value, more) => make("div", {}, make("dt", {}, label), make("dd", {}, value, more ? make("span", { class: "quiet" }, ` ${more}`) : null));

function dates(label, { from, to }) {
  if (!from && !to) return null;
  return fact(label, from === to || !from ? text(to) : `${text(from)} → ${text(to)}`);
}

const worked = ({ from, to }) => ({ from: hours(from), to: hours(to) });

/** A total of both sides, with its difference. */
function total(label, { from, to }, unit) {
  if (from === null && to === null) return null;
  const shown = (value) => (value === null ? "nothing" : `${number(value)} ${unit}`.trim());
  if (from === to || from === null || to === null) return fact(label, from === to ? shown(to) : `${shown(from)} → ${shown(to)}`);
  const share = from ? ` (${to > from ? "+" : "−"}${number(Math.abs(Math.round((to - from) / from * 1000) / 10))} %)` : "";
  return fact(label, `${shown(from)} → ${shown(to)}`, `${to > from ? "+" : "−"}${shown(Math.abs(to - from))}${share}`);
}

function described(sort, item, go) {
  const name = called(item);
  const parts = [MIXED.has(sort) ? item.change : "", measured(sort, item), ...moves(item.fields)].filter(Boolean).join(" · ");
  const task = item.kind && item.change !== "removed";
  return [task ? button(name, () => go(item), { class: "as-link" }) : make("span", { class: "name" }, name), parts ? ` ${parts}` : ""];
}

function measured(sort, { days: value, hours: lost, amount: cost, fields }) {
  if (lost !== undefined) return `${number(lost)} h`;
  if (cost !== undefined) return number(cost);
  if (value === undefined) return "";
  const { from, to } = fields.finish ?? fields.start ?? {};
  return later(sort === "pulled_in" || (sort === "milestones" && planTime(to) < planTime(from)) ? -value : value);
}

/** The values of the fields. A start that moved with its finish says nothing more. */
function moves(fields) {
  const shown = Object.entries(fields).filter(([name]) => name !== "start" || !fields.finish);
  return shown.map(([name, { from, to }]) => `${shown.length > 1 ? `${name.replaceAll("_", " ")} ` : ""}${text(from)} → ${text(to)}`);
}

function called(item) {
  const end = (name) => [item[`${name}_code`], item[`${name}_name`]].filter(Boolean).join(" ") || item[`${name}_id`];
  if (item.predecessor_id) return `${end("predecessor")} → ${end("successor")} (${item.type})`;
  if (item.task_id && !item.kind) return `${item.resource_name ?? item.resource_id ?? "no resource"} on ${end("task")}`;
  return [item.code, item.name].filter(Boolean).join(" ") || item.task_id || item.resource_id || item.element;
}

/** A value for people: a date without its time, a duration in hours. */
function text(value) {
  if (value === null || value === undefined) return "nothing";
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return day(planTime(value));
  const time = typeof value === "string" && value.startsWith("P") ? hours(value) : null;
  return time === null ? String(value) : `${number(time)} h`;
}
