// Working time: durations and floats in hours and in days of the plan.

import { number } from "../shared/format.js";

const PARTS = /^(-)?P(?:(-?[\d.]+)D)?T?(?:(-?[\d.]+)H)?(?:(-?[\d.]+)M)?(?:(-?[\d.]+)S)?$/;
const USUAL = 8;
const ROUND = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** Hours of "PT40H"; null without a value. */
export function hours(text) {
  const [found, minus, days = 0, whole = 0, minutes = 0, seconds = 0] = PARTS.exec(text ?? "") ?? [];
  if (!found) return null;
  const sum = Number(days) * 24 + Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
  return minus ? -sum : sum;
}

/** Hours of a working day: those of the default calendar (P6), or of the project (Microsoft Project), or 8. */
export function hoursOfDay({ calendar_id: id, attributes, shared_objects: shared, parts }) {
  const calendar = [...(shared ?? []), ...(parts ?? [])].find((each) => each.element === "Calendar" && (each.object_id ?? each.attributes?.ObjectId) === id);
  const found = Number(calendar?.attributes?.HoursPerDay) || Number(attributes?.MinutesPerDay) / 60;
  return found > 0 && found <= 24 ? found : USUAL;
}

/** Hours as "5 d", or as "4 h" below a day. Nothing for null. */
export function inDays(value, perDay) {
  if (value === null) return "";
  return value && Math.abs(value) < perDay ? `${ROUND.format(value)} h` : `${ROUND.format(value / perDay)} d`;
}

/** Whether the planning tool says that a task is critical, or, if it says nothing, whether unfinished work has no float. */
export function isCritical({ critical, total_float: float, percent_complete: done, actual_finish: end }) {
  if (critical !== null && critical !== undefined) return critical;
  const left = hours(float);
  return left !== null && left <= 0 && !end && !(done >= 100);
}

export const percent = (value) => (value === null || value === undefined ? "" : `${number(Math.round(value))} %`);
