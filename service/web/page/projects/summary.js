// The summary of a comparison: dates of the project, then each sort of change with examples.

import { make } from "../shared/dom.js";
import { day, number, planTime } from "../shared/format.js";

const SORTS = {
  slipped: "Slipped", added: "Tasks added", removed: "Tasks removed", started: "Started", finished: "Finished",
  joined_critical: "Became critical", left_critical: "No longer critical", float_lost: "Lost float", durations: "Duration changed",
  links_added: "Links added", links_removed: "Links removed", links_changed: "Links changed", constraints: "Constraint or deadline changed",
  calendars: "Calendars", task_calendars: "Calendar of task changed", resources: "Resources", assignments: "Assignments",
  costs: "Cost changed", actuals: "Actual dates changed after the fact",
};

const MIXED = new Set(["calendars", "resources", "assignments"]); // sorts with records that were added, removed or changed

/** The section of a summary. */
export function summarised(summary) {
  const sorts = Object.entries(SORTS).filter(([name]) => summary[name].count);
  return make("section", { class: "summarised", "aria-label": "Summary" },
    make("dl", { class: "facts" }, [dates("Finish", summary.finish), dates("Data date", summary.data_date)].filter(Boolean)),
    sorts.map(([name, label]) => make("details", { class: "group", open: name === "slipped" },
      make("summary", {}, `${label}: ${number(summary[name].count)}`),
      make("ul", {}, summary[name].items.map((item) => make("li", {}, described(name, item)))),
      summary[name].count > summary[name].items.length ? make("p", { class: "quiet" }, `and ${number(summary[name].count - summary[name].items.length)} more`) : null)));
}

function dates(label, { from, to, days }) {
  if (!from && !to) return null;
  const slip = days ? `, ${number(Math.abs(days))} ${Math.abs(days) === 1 ? "day" : "days"} ${days > 0 ? "later" : "earlier"}` : "";
  return make("div", {}, make("dt", {}, label), make("dd", {}, from === to ? text(to) : `${text(from)} → ${text(to)}${slip}`));
}

function described(sort, item) {
  const parts = [called(item)];
  if (MIXED.has(sort)) parts.push(item.change);
  if (item.days !== undefined) parts.push(`${number(item.days)} days`);
  if (item.hours !== undefined) parts.push(`${number(item.hours)} h`);
  const fields = Object.entries(item.fields);
  for (const [name, { from, to }] of fields) parts.push(`${fields.length > 1 ? `${name.replaceAll("_", " ")} ` : ""}${text(from)} → ${text(to)}`);
  return parts.join(" · ");
}

function called(item) {
  const end = (name) => [item[`${name}_code`], item[`${name}_name`]].filter(Boolean).join(" ") || item[`${name}_id`];
  if (item.predecessor_id) return `${end("predecessor")} → ${end("successor")} (${item.type})`;
  if (item.task_id && !item.kind) return `${item.resource_name ?? item.resource_id ?? "no resource"} on ${end("task")}`;
  return [item.code, item.name].filter(Boolean).join(" ") || item.task_id || item.resource_id || item.element;
}

function text(value) {
  if (value === null || value === undefined) return "nothing";
  return /^\d{4}-\d\d-\d\dT/.test(value) ? day(planTime(value)) : String(value);
}
