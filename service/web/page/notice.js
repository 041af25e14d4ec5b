// What went wrong, in the service's own words, and what to do.

import { make } from "./dom.js";
import { remedyOf } from "./remedies.js";

/** An error shown. */
export function problem(error) {
  if (!("status" in error)) {
    console.error(error);
    return told("This page has a fault", error.message, "Load it again.");
  }
  const id = error.status >= 500 && error.requestId ? `Request id: ${error.requestId}` : null;
  return told(error.title, error.message, remedyOf(error), id);
}

function told(title, ...lines) {
  return make("div", { class: "notice bad", role: "alert" }, make("strong", {}, title),
    lines.filter(Boolean).map((line) => make("p", {}, line)));
}

export function hint(text, kind = "") {
  return make("div", { class: `notice ${kind}`, role: "status" }, text);
}

export const loading = () => make("p", { class: "quiet", role: "status" }, "Loading …");

/** Show what a promise gives, in place of what is there; or its error. */
export async function shown(place, promise, signal) {
  place.replaceChildren(loading());
  try {
    const content = await promise;
    if (!signal?.aborted) place.replaceChildren(...[content].flat());
  } catch (error) {
    if (error.name !== "AbortError" && !signal?.aborted) place.replaceChildren(problem(error));
  }
}
