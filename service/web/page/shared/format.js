// Numbers, sizes and times in words.

const NUMBER = new Intl.NumberFormat("en");
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

export const number = (value) => NUMBER.format(value);

/** "1 project", "2 projects". */
export function several(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

export function bytes(size) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(size, 1)) / 3));
  const value = size / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : number(Math.round(value))} ${UNITS[power]}`;
}

/** A time of the server in the user's time zone. */
export const moment = (text) => (text ? MOMENT.format(new Date(text)) : "");

/** Milliseconds of a project's local time, which has no time zone; NaN if there is none. */
export const planTime = (text) => (text ? Date.parse(`${text}Z`) : NaN);

export const day = (time) => (Number.isNaN(time) ? "no date" : DAY.format(time));

/** A range of days, or one day if both are equal. */
export const days = (from, to) => (day(from) === day(to) ? day(from) : `${day(from)} to ${day(to)}`);

/** The time between two moments, in words. */
export function lasting(from, to) {
  const count = (new Date(to) - new Date(from)) / 1000;
  return count < 10 ? `${Math.max(0.1, count).toFixed(1)} s` : seconds(count);
}

/** A number of seconds in words. */
export function seconds(count) {
  if (count < 120) return `${Math.round(count)} s`;
  return count < 7200 ? `${Math.round(count / 60)} min` : `${(count / 3600).toFixed(1)} h`;
}

const FORMATS = { native: "native XML", mspdi: "Microsoft Project", p6: "Primavera P6", xer: "Primavera XER" };

/** The name of a format for people. The API calls it `dialect`. */
export const format = (dialect) => FORMATS[dialect] ?? dialect ?? "";

/** "PT1H30M" as "1 h 30 min"; other texts unchanged. */
export function duration(text) {
  const found = /^(P)T?(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?$/.exec(text ?? "");
  if (!found) return text ?? "";
  const parts = [[found[2], "h"], [found[3], "min"], [found[4], "s"]].filter(([value]) => Number(value));
  return parts.map(([value, unit]) => `${value} ${unit}`).join(" ") || "0 h";
}
