// The lines and names of days, months and years above a timeline.

import { draw } from "./dom.js";

const DAY = 86_400_000;
const STEPS = [["day", 1], ["day", 7], ["month", 1], ["month", 3], ["year", 1], ["year", 5], ["year", 20], ["year", 100]];
const ROUGHLY = { day: DAY, month: 30.4 * DAY, year: 365 * DAY };
const ROOM = 46;
const NAMES = {
  day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }),
  month: new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" }),
  year: new Intl.DateTimeFormat("en-GB", { year: "numeric", timeZone: "UTC" }),
};
const YEAR = NAMES.year;
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

/** Elements; `x` gives where a moment is. Only what lies between `left` and `right` is made. */
export function axis({ from, to }, x, left, right, height, head) {
  const perDay = (x(to) - x(from)) / ((to - from) / DAY);
  const [unit, count] = STEPS.find(([each, many]) => (perDay * ROUGHLY[each] * many) / DAY >= ROOM) ?? STEPS.at(-1);
  const visible = (time) => from + ((time - x(from)) / (x(to) - x(from))) * (to - from);
  const [begin, end] = [Math.max(from, visible(left)), Math.min(to, visible(right))];
  const parts = [draw("rect", { class: "head", x: 0, y: 0, width: right, height: head })];
  let above = "";
  for (let time = first(begin, unit, count); time <= end; time = following(time, unit, count)) {
    const at = Math.round(x(time)) + 0.5;
    const outer = unit === "day" ? MONTH.format(time) : unit === "month" ? YEAR.format(time) : "";
    parts.push(draw("line", { class: "grid", x1: at, x2: at, y1: head - 20, y2: height }));
    parts.push(draw("text", { class: "tick", x: Math.max(at, left) + 4, y: head - 6 }, NAMES[unit].format(time)));
    if (outer && outer !== above) parts.push(draw("text", { class: "tick above", x: Math.max(at, left) + 4, y: 16 }, outer));
    above = outer;
  }
  return parts;
}

function first(time, unit, count) {
  const date = new Date(time);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (unit === "year") return Date.UTC(year - (year % count), 0);
  if (unit === "month") return Date.UTC(year, month - (month % count));
  return count === 7 ? Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7)) : Date.UTC(year, month, day);
}

function following(time, unit, count) {
  if (unit === "day") return time + count * DAY;
  const date = new Date(time);
  return unit === "month" ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count) : Date.UTC(date.getUTCFullYear() + count, 0);
}
