// The bar of a row: a task, a summary or a milestone, with its old dates below and its marks.

import { draw } from "../shared/dom.js";

/** Elements of a row. `x` maps a time to a position, and `y` is the top of the row. */
export function bar(row, x, y, height) {
  return [...old(row, x, y, height), ...current(row, x, y, height), ...(row.marks ?? []).map((mark) => marker(mark, x, y))];
}

/** The bar of a row for its links: from x1 to x2 at the middle y, or null without dates. */
export function ends(row, x, y, height) {
  if (Number.isNaN(row.from)) return null;
  const [from, to] = [x(row.from), x(row.to)];
  const middle = y + height / 2 - (row.old ? 2 : 0);
  return diamond(row) ? { x1: from - 6, x2: from + 6, y: middle } : { x1: from, x2: Math.max(to, from + 2), y: middle };
}

const diamond = (row) => row.milestone && !row.summary;

function current(row, x, y, height) {
  if (Number.isNaN(row.from)) return [];
  const from = x(row.from);
  const critical = row.critical ? " critical" : "";
  const middle = y + height / 2 - (row.old ? 2 : 0);
  if (diamond(row)) return [draw("path", { class: `milestone${critical}`, d: `M${from} ${middle - 7}l7 7l-7 7l-7 -7z` })];
  const width = Math.max(2, x(row.to) - from);
  if (row.summary) {
    const end = Math.min(5, width / 2);
    return [draw("path", { class: `summary${critical}`, d: `M${from} ${middle - 5}h${width}v9l${-end} -4h${-(width - 2 * end)}l${-end} 4z` })];
  }
  const thick = row.old ? 12 : 14;
  const shape = { x: from, y: middle - thick / 2, height: thick, rx: Math.min(3, width / 2) };
  return [
    draw("rect", { ...shape, class: `task${critical}`, width }),
    row.done ? draw("rect", { ...shape, class: `done${critical}`, width: width * row.done }) : null,
  ].filter(Boolean);
}

/** The dates before a change, or those of a baseline. */
function old({ old: dates, milestone, summary }, x, y, height) {
  if (!dates) return [];
  const from = x(dates.from);
  if (milestone && !summary) return [draw("path", { class: "old", d: `M${from} ${y + height - 9}l4 4l-4 4l-4 -4z` })];
  return [draw("rect", { class: "old", x: from, y: y + height - 7, width: Math.max(2, x(dates.to) - from), height: 4 })];
}

/** An arrow down for a deadline, and one to the right for a constraint. */
function marker({ at, sort, late, title }, x, y) {
  const place = x(at);
  const d = sort === "deadline" ? `M${place} ${y + 9}l-5 -7h10z` : `M${place} ${y + 1}l8 5l-8 5z`;
  return draw("path", { class: `${sort}${late ? " late" : ""}`, d }, draw("title", {}, title));
}
