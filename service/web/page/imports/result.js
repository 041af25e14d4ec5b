// The result of an import: counts, failures of projects and files, warnings, and imported projects.

import { choice, make, unhurried } from "../shared/dom.js";
import { filesOf } from "../sending/files.js";
import { number, several } from "../shared/format.js";
import { hint, problem } from "../shared/notice.js";
import { collect, inSteps, table } from "../shared/lists.js";
import { causes } from "./causes.js";
import { csv } from "./csv.js";
import { HARMLESS, meaningOf, warned } from "./remedies.js";
import { nextStep } from "./states.js";

const MOST = 20_000;
const ENDED = { failed: "failed", cancelled: "was cancelled", interrupted: "was interrupted" };
const KINDS = ["created", "updated", "unchanged", "failed"];

/** The whole result of an ended import. */
export function result(row, { signal, linked = true } = {}) {
  const counts = row.counts ?? {};
  // The fault of an only file is the import's cause, and no outcome.
  const failed = row.state === "completed" || counts.failed ? (counts.failed ?? 0) + (row.files?.failed ?? 0) : 0;
  const stored = KINDS.slice(0, 3).reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
  return make("div", { class: "result" },
    make("p", { class: "verdict" }, verdict(row, stored, counts.failed ?? 0)),
    row.options?.dry_run ? hint("A dry run: nothing was written.", "warn") : null,
    nextStep(row, stored),
    tiles(counts),
    (row.warnings ?? []).map((each) => hint(warning(each), HARMLESS.includes(each.code) ? "" : "warn")),
    make("div", { class: "actions" },
      linked ? make("a", { class: "as-button", href: `#/imports/${row.import_id}` }, "Details") : null,
      failed ? csv(row, "Failures as CSV", "?outcome=failed", "failures") : null,
      stored + failed ? csv(row, "All outcomes as CSV", "", "outcomes") : null),
    failed ? causes(row, { of: "failures", title: "Failures", signal }) : null,
    stored ? causes(row, { of: "warnings", title: "Warnings", signal }) : null,
    stored ? imported(row, stored, signal) : null);
}

function verdict(row, stored, failed) {
  const { state, options } = row;
  const unread = row.files?.failed ?? 0;
  const done = options?.undo ? "reverted" : options?.dry_run ? "would be imported" : "imported";
  if (state !== "completed" && stored + failed + unread === 0) return `The import ${ENDED[state]}. No project was imported.`;
  const ended = state === "completed" || state === "failed" ? "" : `The import ${ENDED[state]}. `;
  const source = filesOf(row) > 1 && row.files.read ? ` from ${several(row.files.read, "file")}` : "";
  const broken = unread ? `; ${filesOf(row) > 1 ? several(unread, "file") : "the file"} could not be read` : "";
  if (failed) return `${ended}${number(stored)} of ${several(stored + failed, "project")} ${done}${source}, ${number(failed)} failed${broken}.`;
  if (!stored) return `${ended}No project ${done}${broken}.`;
  const all = stored === 1 || unread || ended ? several(stored, "project") : `All ${number(stored)} projects`;
  return `${ended}${all} ${done}${source}${broken}.`;
}

function warning({ code, message, count, file }) {
  return `${file ? `${file}: ` : ""}${message}${count ? ` (${number(count)})` : ""} · ${code}`;
}

function tiles(counts) {
  return make("dl", { class: "tiles" }, KINDS.map((kind) =>
    make("div", { class: counts[kind] ? kind : "none" }, make("dt", {}, kind), make("dd", {}, number(counts[kind] ?? 0)))));
}

function imported(row, stored, signal) {
  const many = filesOf(row) > 1;
  const cells = ({ name, external_id: id, project_id: project, outcome, version, tasks, warnings, file }) => [
    [project ? make("a", { class: "name", href: `#/projects/${project}` }, name) : make("span", { class: "name" }, name), id === name ? null : make("span", { class: "quiet id" }, id),
      many && file ? make("span", { class: "quiet" }, file) : null],
    make("span", { class: `badge ${outcome}` }, outcome), number(version), number(tasks), warned(warnings),
  ];
  const words = ({ name, external_id: id, file, warnings }) => `${name} ${id} ${file ?? ""} ${warnings.first.map(({ code, element }) => `${code} ${meaningOf(code)} ${element}`).join(" ")}`;
  const place = make("div");
  const section = make("details", { class: "imported", toggle: () => {
    if (!section.open || place.children.length) return;
    place.append(searchable(`imports/${row.import_id}/results?limit=1000`, {
      heads: ["Project", "Outcome", "Version", "Tasks", "Warnings"], caption: "Imported projects", cells, words,
      kind: ({ outcome, warnings }) => (warnings?.count ? [outcome, "with warnings"] : outcome), wanted: ({ outcome }) => Boolean(outcome), total: stored, signal,
    }));
  } }, make("summary", {}, sectionTitle(row.options, stored)), place);
  return section;
}

const sectionTitle = ({ undo, dry_run: dry } = {}, count) => {
  if (dry) return `${several(count, "project")} that would be imported`;
  return several(count, undo ? "reverted project" : "imported project");
};

/** A table with a search and a filter by kind, for results that are fetched page by page. */
function searchable(path, { heads, caption, cells, words, kind, wanted = () => true, total, signal }) {
  const { element, body, row } = table(heads, caption);
  const text = make("input", { type: "search", "aria-label": `Search: ${caption}`, placeholder: "Search", input: unhurried(() => show()) });
  const kinds = choice([["", "all"]], { "aria-label": "Which", change: () => show() });
  const summary = make("output", { class: "quiet", role: "status" });
  const rest = make("div");
  let all = [];

  function show() {
    const asked = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((item) => (!kinds.value || [kind(item)].flat().includes(kinds.value)) && asked.every((word) => words(item).toLowerCase().includes(word)));
    summary.value = found.length === all.length ? several(all.length, "project") : `${number(found.length)} of ${number(all.length)}`;
    const none = make("p", { class: "empty" }, "Nothing matches.");
    const more = inSteps(body, found, (item) => row(cells(item)));
    rest.replaceChildren(found.length ? more : none);
  }

  function got(items, coming) {
    const first = !all.length;
    all = [...items];
    const named = new Map();
    for (const each of all.flatMap(kind)) named.set(each, (named.get(each) ?? 0) + 1);
    const chosen = kinds.value;
    kinds.replaceChildren(make("option", { value: "" }, `all (${number(all.length)})`), ...[...named].map(([value, count]) => make("option", { value }, `${value} (${number(count)})`)));
    kinds.value = named.has(chosen) ? chosen : "";
    if (first || !coming) show();
    else summary.value = `${number(all.length)} so far …`;
    if (all.length === MOST && total > MOST) rest.after(hint(`The list has the first ${number(MOST)}. The CSV has all.`, "warn"));
  }

  const load = () => collect(path, "results", { most: MOST, wanted, signal, got }).catch((error) => {
    if (error.name !== "AbortError") rest.replaceChildren(problem(error, load));
  });
  load();
  return make("div", {}, make("div", { class: "finder" }, text, kinds, summary), element, rest);
}
