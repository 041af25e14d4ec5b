// The axis of a timeline: grid lines and labels of days, months and years.

import { draw } from "../shared/dom.js";
import { DAY } from "./scale.js";

const STEPS = [["day", 1], ["day", 7], ["month", 1], ["month", 3, 28], ["year", 1], ["year", 5], ["year", 20], ["year", 100]];
const ROUGHLY = { day: DAY, month: 30.4 * DAY, year: 365 * DAY };
const ROOM = 46;
const LETTER = 7; // pixels, roughly
const NAMES = {
  day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }),
  month: new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" }),
  year: new Intl.DateTimeFormat("en-GB", { year: "numeric", timeZone: "UTC" }),
};
const OUTER = { day: new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" }), month: NAMES.year };

/** Elements below and above the bars, for the visible part of a scale. */
export function axis(scale, height, head) {
  const right = scale.room;
  const [unit, count] = STEPS.find(([each, many, room = ROOM]) => (scale.perDay * ROUGHLY[each] * many) / DAY >= room) ?? STEPS.at(-1);
  const end = scale.time(right);
  const ticks = [];
  for (let time = first(scale.time(0), unit, count); time <= end; time = following(time, unit, count)) {
    ticks.push({ at: Math.round(scale.x(time)) + 0.5, name: named(time, unit, count), outer: OUTER[unit]?.format(time) });
  }
  const outer = ticks.filter((tick, place) => tick.outer && tick.outer !== ticks[place - 1]?.outer);
  const lines = (y1, y2) => ticks.map(({ at }) => draw("line", { class: "grid", x1: at, x2: at, y1, y2 }));
  return {
    below: lines(head, height),
    above: [
      draw("rect", { class: "head", x: 0, y: 0, width: right, height: head }),
      ...lines(head - 20, head),
      ...labels(ticks, ({ name }) => name, { class: "tick", y: head - 6 }, right, count === 3 ? 28 : ROOM),
      ...labels(outer, (tick) => tick.outer, { class: "tick outer", y: 16 }, right, 2 * ROOM),
    ],
  };
}

/**
 * Labels to the right of their lines. A label whose line is out of sight is at the left edge, if it fits before
 * the next one. The last label is omitted if the edge would cut it, unless it is the only one.
 */
function labels(ticks, text, attributes, right, room) {
  const from = ({ at }) => Math.max(at, 0) + 4;
  const fits = (tick, place) => (ticks[place + 1] ? from(ticks[place + 1]) - from(tick) >= room - 8 : !place || from(tick) + LETTER * text(tick).length <= right);
  return ticks.filter(fits)
    .map((tick) => draw("text", { ...attributes, x: from(tick) }, text(tick)));
}

/** "Jan", or "Q1" for steps of three months. */
const named = (time, unit, count) => (unit === "month" && count === 3 ? `Q${Math.floor(new Date(time).getUTCMonth() / 3) + 1}` : NAMES[unit].format(time));

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
