// What became of an import: one word with one colour, and what to do next.

import { make } from "../shared/dom.js";
import { moment, several } from "../shared/format.js";

/** The words by which the history is filtered: `result` of the API. */
export const RESULTS = ["running", "completed", "partial", "failed", "interrupted", "cancelled", "undone"];

/** The badges of an import. */
export function badge({ result, cancel_requested: stopping, options, attempt }) {
  const word = result === "running" && stopping ? "stopping" : result;
  return [
    make("span", { class: `badge ${result}` }, word),
    options?.dry_run ? make("span", { class: "badge" }, "dry run") : null,
    attempt > 1 ? make("span", { class: "badge", title: "It was interrupted and then continued." }, "resumed") : null,
  ];
}

export const linkTo = (id, words = `import ${id}`) => make("a", { href: `#/imports/${id}` }, words);

/** The other import of an undo, as words with a link; null without one. */
export function counterpart({ undone_by: by }) {
  return by ? ["by ", linkTo(by)] : null;
}

/** What the state means and what to do next, or null if nothing needs to be said. */
export function nextStep(row, stored) {
  if (row.result === "undone") return note("", [capital("undone by "), linkTo(row.undone_by), ". Its projects are as they were before, unless they were changed since then."]);
  if (row.result === "interrupted") return note("warn", row.cause ? make("p", {}, `${row.cause}.`) : null, make("strong", {}, "What to do next"), ...continuing(row, stored));
  if (row.result === "cancelled") return note("", kept(row, stored));
  if (row.result === "failed" && row.cause) return note("bad", make("strong", {}, FAILED), make("p", {}, `${row.cause.replace(/^Validation error: ./, (found) => found.at(-1).toUpperCase())}.`),
    row.files?.failed ? make("p", {}, "Repair the file, or export it again. Then import it again.") : null);
  return null;
}

const FAILED = "Why the import failed";

function continuing({ resumable_until: until, idempotency_key: key }, stored) {
  const already = stored ? ` The ${several(stored, "project")} that it stored will then be unchanged.` : "";
  return [
    until && new Date(until) > new Date()
      ? make("p", {}, `Send the same files again with the same Idempotency-Key until ${moment(until)}: the import then continues. The key is `, make("span", { class: "id" }, key), ".")
      : make("p", {}, `Import the same files again.${already}`),
    until && new Date(until) > new Date() ? make("p", {}, `Without the key, import the files again.${already}`) : null,
  ];
}

function kept({ cause, undoable_until: until }, stored) {
  const by = `${cause || "Cancelled"}.`;
  if (!stored) return `${by} No project was imported.`;
  const back = until ? " To take them back, undo the import." : "";
  return `${by} The ${several(stored, "project")} imported before that ${stored === 1 ? "is" : "are"} kept.${back}`;
}

const capital = (words) => words[0].toUpperCase() + words.slice(1);

const note = (kind, ...children) => make("div", { class: `notice ${kind}`, role: "status" }, children);
