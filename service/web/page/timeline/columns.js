// The columns of a project's timeline, to the left of the bars.

import { planTime } from "../shared/format.js";
import { hours, inDays, percent } from "./hours.js";

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "2-digit", timeZone: "UTC" });

/** A date as "5 Jan 26", or nothing. */
export const shortDay = (time) => (Number.isNaN(time) ? "" : DATE.format(time));

/** The columns that have a value in some row. `perDay` is the hours of a working day. */
export function taskColumns(rows, perDay) {
  const all = [
    { id: "code", name: "WBS", width: 78, from: 1300, text: ({ task }) => task.code ?? task.wbs ?? "" },
    { id: "start", name: "Start", width: 92, from: 640, text: ({ task, from }) => shortDay(task.start ? planTime(task.start) : from) },
    { id: "finish", name: "Finish", width: 92, from: 640, text: ({ task, to }) => shortDay(task.finish ? planTime(task.finish) : to) },
    { id: "duration", name: "Duration", width: 82, from: 900, end: true, text: ({ task }) => (task.milestone ? "" : inDays(hours(task.duration), perDay)) },
    { id: "float", name: "Float", width: 60, from: 1300, end: true, title: "Total float", text: ({ task }) => inDays(hours(task.total_float), perDay) },
    { id: "done", name: "Done", width: 58, from: 900, end: true, text: ({ task }) => percent(task.percent_complete) },
  ];
  if (rows.some(({ task }) => task.code)) all[0].name = "ID";
  return all.filter(({ text }) => rows.some((row) => text(row)));
}
