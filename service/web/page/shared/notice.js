// Notices: an error with its remedy, a hint, and the loading text.

import { make } from "./dom.js";
import { remedyOf } from "../imports/remedies.js";

/** A notice for an error. */
export function problem(error) {
  if (!("status" in error)) {
    console.error(error);
    return notice("This page has an error", error.message, "Reload the page.");
  }
  const id = error.status >= 500 && error.requestId ? `Request id: ${error.requestId}` : null;
  return notice(error.title, error.message, remedyOf(error), id);
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

/** Replace the content of an element by the result of a promise, or by its error. */
export async function shown(place, promise, signal) {
  place.replaceChildren(loading());
  try {
    const content = await promise;
    if (!signal?.aborted) place.replaceChildren(...[content].flat());
  } catch (error) {
    if (error.name !== "AbortError" && !signal?.aborted) place.replaceChildren(problem(error));
  }
}
