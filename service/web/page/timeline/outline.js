// The rows of a timeline: tasks in outline order with their dates. This module draws nothing.

import { planTime } from "../shared/format.js";

const DAY = 86_400_000;

/**
 * Rows with parents before their children. `from` and `to` are milliseconds, or NaN without a date. A summary
 * without dates spans its children. Links are pairs of positions in `rows`. `span` is the range to draw, with the
 * `first` and `last` date in it. With a comparison, a row whose dates changed has `old`, its dates before.
 */
export function outline({ tasks, dependencies }, comparison = null) {
  const rows = outlined(tasks);
  if (comparison) before(rows, comparison.tasks);
  spanned(rows);
  const dated = [...rows, ...rows.map(({ old }) => old).filter(Boolean)].filter(({ from }) => !Number.isNaN(from));
  const from = dated.reduce((least, row) => Math.min(least, row.from), Infinity);
  const to = dated.reduce((most, row) => Math.max(most, row.to), -Infinity);
  const span = dated.length ? { first: from, last: to, from: from - DAY / 2, to: Math.max(to, from + DAY) + DAY / 2 } : null;
  return { rows, span, links: linked(rows, dependencies) };
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
    const { from, to } = row({ ...each.task, start: date("start"), finish: date("finish") }, 0, false);
    if (!Number.isNaN(from)) each.old = { from, to };
  }
}

function row(task, level, parent) {
  const start = planTime(task.start);
  const finish = planTime(task.finish);
  const from = Number.isNaN(start) ? finish : start;
  return {
    task, level, from, to: Number.isNaN(finish) ? from : Math.max(from, finish),
    summary: parent || task.summary, milestone: task.milestone, done: Math.min(1, Math.max(0, (task.percent_complete ?? 0) / 100)),
  };
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
