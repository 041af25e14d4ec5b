// The rows of a project's timeline: its tasks in outline order. This module draws nothing.

import { day, planTime } from "../shared/format.js";
import { baselineDates } from "./baselines.js";
import { isCritical } from "./hours.js";

/**
 * Rows with parents before their children, as `Chart` takes them; each has its `task`. A summary without dates spans its
 * children. Links are pairs of positions in `rows`. With a comparison, a row whose dates changed has its dates before as
 * `old`; without one, it has those of the baseline with the number.
 */
export function outline(project, { comparison = null, baseline = null } = {}) {
  const rows = outlined(project.tasks);
  if (comparison) before(rows, comparison.tasks);
  else if (baseline !== null) planned(rows, project, baseline);
  spanned(rows);
  return { rows, links: linked(rows, project.dependencies) };
}

function outlined(tasks) {
  const children = new Map();
  const parents = new Map();
  for (const task of tasks) if (task.kind === "wbs" || !parents.has(task.task_id)) parents.set(task.task_id, task);
  for (const task of tasks) {
    const named = parents.get(task.parent_id);
    const parent = named && named !== task ? named : null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(task);
  }
  const rows = [];
  const seen = new Set();
  const put = (roots) => {
    const left = roots.map((task) => [task, 0]).reverse();
    while (left.length) {
      const [task, level] = left.pop();
      if (seen.has(task)) continue;
      seen.add(task);
      const below = children.get(task) ?? [];
      rows.push(row(task, level, below.length > 0));
      for (const child of [...below].reverse()) left.push([child, level + 1]);
    }
  };
  put(children.get(null) ?? []);
  put(tasks.filter((task) => !seen.has(task))); // tasks that are parents of each other
  return rows;
}

/** Set the old dates of the rows that changed. */
function before(rows, changes) {
  const key = ({ kind, task_id: id }) => `${kind} ${id}`;
  const moved = new Map(changes.filter(({ fields }) => fields?.start || fields?.finish).map((each) => [key(each), each.fields]));
  for (const each of rows) {
    const fields = moved.get(key(each.task));
    if (!fields) continue;
    const date = (name) => (fields[name] ? fields[name].from : each.task[name]);
    each.old = range(date("start"), date("finish"));
  }
}

function planned(rows, project, number) {
  const dates = baselineDates(project, number);
  for (const each of rows) {
    const found = dates(each.task);
    each.old = found ? range(found.start, found.finish) : null;
  }
}

/** Two times, or null without a date. */
function range(start, finish) {
  const [begin, end] = [planTime(start), planTime(finish)];
  const from = Number.isNaN(begin) ? end : begin;
  return Number.isNaN(from) ? null : { from, to: Number.isNaN(end) ? from : Math.max(from, end) };
}

function row(task, level, parent) {
  return {
    task, level, name: task.name || task.task_id, ...(range(task.start, task.finish) ?? { from: NaN, to: NaN }), old: null,
    summary: parent || task.summary, milestone: task.milestone, critical: isCritical(task),
    done: Math.min(1, Math.max(0, (task.percent_complete ?? 0) / 100)), marks: marks(task),
  };
}

/** "start_no_earlier_than" as "Start no earlier than". */
export const constraintName = (type) => `${type[0].toUpperCase()}${type.slice(1).replaceAll("_", " ")}`;

function marks({ deadline, finish, start, constraint_type: type, constraint_date: date }) {
  const due = planTime(deadline);
  const held = type ? planTime(date) : NaN;
  const late = planTime(finish ?? start) > due;
  return [
    Number.isNaN(due) ? null : { at: due, sort: "deadline", late, title: `Deadline ${day(due)}${late ? ", missed" : ""}` },
    Number.isNaN(held) ? null : { at: held, sort: "constraint", title: `${constraintName(type)} ${day(held)}` },
  ].filter(Boolean);
}

/** Work from the last row to the first, so that children have dates before their parents. */
function spanned(rows) {
  const below = []; // by level: the range of the rows since the last row of the level above
  for (let place = rows.length - 1; place >= 0; place -= 1) {
    const each = rows[place];
    const inner = below[each.level + 1];
    below.length = each.level + 1;
    if (Number.isNaN(each.from) && inner) Object.assign(each, inner);
    if (Number.isNaN(each.from)) continue;
    const outer = below[each.level];
    below[each.level] = { from: Math.min(each.from, outer?.from ?? Infinity), to: Math.max(each.to, outer?.to ?? -Infinity) };
  }
}

function linked(rows, dependencies) {
  const places = new Map();
  rows.forEach(({ task }, place) => { if (!places.has(task.task_id) || task.kind === "activity") places.set(task.task_id, place); });
  return dependencies
    .map(({ predecessor_id: before, successor_id: after, type, lag }) => ({ before: places.get(before), after: places.get(after), type, lag }))
    .filter(({ before, after }) => before !== undefined && after !== undefined);
}
