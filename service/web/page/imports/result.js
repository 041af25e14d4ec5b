// The result of an import: counts, failures of projects and files, warnings, and imported projects.

import { download } from "../shared/api.js";
import { button, choice, make, unhurried } from "../shared/dom.js";
import { filesOf } from "../sending/files.js";
import { number, several } from "../shared/format.js";
import { hint, problem } from "../shared/notice.js";
import { collect, inSteps, table } from "../shared/lists.js";
import { HARMLESS, meaningOf, remedyFor } from "./remedies.js";

const MOST = 20_000;
const ENDED = { failed: "failed", cancelled: "was cancelled", interrupted: "was interrupted" };
const KINDS = ["created", "updated", "unchanged", "failed"];

/** The whole result of an ended import. */
export function result(row, { signal, linked = true } = {}) {
  const counts = row.counts ?? {};
  const failed = (counts.failed ?? 0) + (row.files?.failed ?? 0);
  const stored = KINDS.slice(0, 3).reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
  return make("div", { class: "result" },
    make("p", { class: "verdict" }, verdict(row, stored, counts.failed ?? 0)),
    row.options?.dry_run ? hint("A dry run: nothing was written.", "warn") : null,
    row.cause ? make("p", {}, row.cause) : null,
    tiles(counts),
    (row.warnings ?? []).map((each) => hint(warning(each), HARMLESS.includes(each.code) ? "" : "warn")),
    make("div", { class: "actions" },
      linked ? make("a", { class: "as-button", href: `#/imports/${row.import_id}` }, `Import ${row.import_id}`) : null,
      failed ? csv(row, "Failures as CSV", "?outcome=failed", "failures") : null,
      stored + failed ? csv(row, "All outcomes as CSV", "", "outcomes") : null),
    failed ? failures(row, failed, signal) : null,
    stored ? imported(row, stored, signal) : null);
}

function verdict(row, stored, failed) {
  const { state, options } = row;
  const unread = row.files?.failed ?? 0;
  const done = options?.undo ? "reverted" : options?.dry_run ? "would be imported" : "imported";
  if (state !== "completed" && !failed && !unread) return `The import ${ENDED[state]}. ${stored ? `${several(stored, "project")} imported before that.` : "No project was imported."}`;
  const source = filesOf(row) > 1 && row.files.read ? ` from ${several(row.files.read, "file")}` : "";
  const broken = unread ? `; ${filesOf(row) > 1 ? several(unread, "file") : "the file"} could not be read` : "";
  if (failed) return `${number(stored)} of ${several(stored + failed, "project")} ${done}${source}, ${number(failed)} failed${broken}.`;
  if (!stored) return `No project ${done}${broken}.`;
  const all = stored === 1 || unread ? several(stored, "project") : `All ${number(stored)} projects`;
  return `${all} ${done}${source}${broken}.`;
}

function warning({ code, message, count, file }) {
  return `${file ? `${file}: ` : ""}${message}${count ? ` (${number(count)})` : ""} · ${code}`;
}

function tiles(counts) {
  return make("dl", { class: "tiles" }, KINDS.map((kind) =>
    make("div", { class: counts[kind] ? kind : "none" }, make("dt", {}, kind), make("dd", {}, number(counts[kind] ?? 0)))));
}

function csv(row, label, query, name) {
  const element = button(label, async () => {
    element.disabled = true;
    try {
      await download(`imports/${row.import_id}/results${query}`, "text/csv", `import-${row.import_id}-${name}.csv`);
    } catch (error) {
      element.after(problem(error));
    }
    element.disabled = false;
  });
  return element;
}

function failures(row, total, signal) {
  const place = make("section", { "aria-label": "Failures" }, make("h2", {}, "Failures"));
  const many = filesOf(row) > 1;
  const cells = (failure) => {
    const { line, file, error, message, violations = [], violation_count: all } = failure;
    return [subject(failure), origin(line, many && !isFile(failure) && file),
      [make("span", { class: "code" }, error), make("span", {}, message), more(violations, all), remedy(failure)]];
  };
  const words = ({ line, file, name, external_id: id, error, message }) => `${line ?? ""} ${file ?? ""} ${name ?? ""} ${id ?? ""} ${error} ${message}`;
  place.append(searchable(`imports/${row.import_id}/results?outcome=failed&limit=1000`, {
    heads: ["Project or file", "Line", "Reason"], caption: "Projects and files that failed", cells, words, kind: ({ error }) => error, total, signal,
  }));
  return place;
}

const isFile = ({ kind }) => kind === "file";

/** What failed: a project with its name and id, or a whole file. */
function subject({ file, name, external_id: id, ...rest }) {
  if (isFile(rest)) return [make("span", { class: "name" }, file ?? "(no name)"), make("span", { class: "badge" }, "file")];
  return [make("span", { class: "name" }, name ?? id ?? "(no name)"), id && id !== name ? make("span", { class: "quiet id" }, id) : null];
}

/** The line, and the file if the import has several. */
function origin(line, file) {
  return file ? [line ? number(line) : null, make("span", { class: "quiet" }, file)] : line ? number(line) : "";
}

function remedy(failure) {
  const words = [remedyFor(failure), failure.locked_by ? `Held by ${failure.locked_by}.` : ""].filter(Boolean).join(" ");
  return words ? make("span", { class: "quiet remedy" }, words) : null;
}

/** The violations after the first one, which the message already has. */
function more(violations, all = violations.length) {
  if (violations.length < 2) return null;
  return make("details", {}, make("summary", {}, several(all, "violation")),
    make("ul", {}, violations.map(({ line, message }) =>
      make("li", {}, `Line ${number(line)}: ${message}`)),
    all > violations.length ? make("li", {}, `… and ${number(all - violations.length)} more`) : null));
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

function warned({ count, first }) {
  if (!count) return "";
  return make("details", {}, make("summary", {}, several(count, "warning")),
    make("ul", {}, first.map((each) => make("li", {}, noticed(each), " ", make("span", { class: "quiet id" }, each.code))),
      count > first.length ? make("li", {}, `… and ${number(count - first.length)} more`) : null));
}

function noticed({ code, line, element, value }) {
  return `Line ${number(line)}, ${element}${value === null ? "" : ` “${value}”`}: ${meaningOf(code)}`;
}

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
    summary.value = found.length === all.length ? counted(all) : `${number(found.length)} of ${number(all.length)}`;
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

  collect(path, "results", { most: MOST, wanted, signal, got }).catch((error) => {
    if (error.name !== "AbortError") rest.replaceChildren(problem(error));
  });
  return make("div", {}, make("div", { class: "finder" }, text, kinds, summary), element, rest);
}

/** "2 projects", "1 file", or both. */
function counted(items) {
  const files = items.filter(isFile).length;
  const projects = items.length - files;
  return [projects || !files ? several(projects, "project") : "", files ? several(files, "file") : ""].filter(Boolean).join(" and ");
}
