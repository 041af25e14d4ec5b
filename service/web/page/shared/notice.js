// Notices: an error with its remedy, a hint, and the loading text.

import { button, make } from "./dom.js";
import { remedyOf } from "../imports/remedies.js";

const PASSING = [0, 408, 429, 500, 502, 503, 504];

/** A notice for an error. If the error can pass, a button calls `again`. */
export function problem(error, again = null) {
  if (!("status" in error)) {
    console.error(error);
    return notice("This page has an error", error.message, "Reload the page.");
  }
  const id = error.status >= 500 && error.requestId ? `Request id: ${error.requestId}` : null;
  const element = notice(error.title, error.message, remedyOf(error), id);
  if (again && PASSING.includes(error.status)) element.append(button("Try again", again, { class: "plain" }));
  return element;
}

/** A notice about something that does not work, with reasons and remedies; empty ones are omitted. */
export function notice(title, ...lines) {
  return make("div", { class: "notice bad", role: "alert" }, make("strong", {}, title),
    lines.filter(Boolean).map((line) => make("p", {}, line)));
}

export function hint(text, kind = "") {
  return make("div", { class: `notice ${kind}`, role: "status" }, text);
}

export const loading = () => make("p", { class: "quiet", role: "status" }, "Loading …");

/** Replace the content of an element by what `load` resolves to, or by its error, with a button to load it again. */
export async function shown(place, load, signal) {
  place.replaceChildren(loading());
  try {
    const content = await load();
    if (!signal?.aborted) place.replaceChildren(...[content].flat());
  } catch (error) {
    if (error.name !== "AbortError" && !signal?.aborted) place.replaceChildren(problem(error, () => shown(place, load, signal)));
  }
}
