// The failures, or the warnings, of an import by cause. A group opens to its projects.

import { ask } from "../shared/api.js";
import { button, make, redraw, unhurried } from "../shared/dom.js";
import { filesOf } from "../sending/files.js";
import { number, several } from "../shared/format.js";
import { fetchedInSteps, inSteps, table } from "../shared/lists.js";
import { problem } from "../shared/notice.js";
import { csv } from "./csv.js";
import { remedyFor, warned } from "./remedies.js";

const PAGES = 10;
const SHOWN = 50;

/** A section with the groups of failures or of warnings; it is empty if there are none. */
export function causes(row, { of, title, signal }) {
  const groups = new Map();
  const summary = make("p", { class: "quiet", role: "status" });
  const list = make("ul", { class: "causes" });
  const rest = make("div");
  const section = make("section", { "aria-label": title, hidden: of === "warnings" }, make("h2", {}, title), summary, list, rest);
  const total = (row.counts?.failed ?? 0) + (row.files?.failed ?? 0);
  let unlisted = 0;

  function add(page) {
    unlisted += page.unlisted;
    for (const each of page.causes) {
      const known = groups.get(each.cause);
      if (!known) groups.set(each.cause, { ...each });
      else for (const name of ["projects", "files", "times"]) known[name] += each[name];
    }
  }

  function show(coming) {
    const sorted = [...groups.values()].sort((a, b) => isResult(a) - isResult(b) || sizeOf(b) - sizeOf(a));
    section.hidden = of === "warnings" && !sorted.length;
    summary.textContent = coming ? `${several(sorted.length, "cause")} so far …` : described(sorted, unlisted, of === "failures" ? total : Infinity);
    rest.replaceChildren(inSteps(list, sorted, (each) => group(each, row, of, signal), SHOWN));
  }

  async function load(path) {
    let next = path;
    try {
      for (let pages = 0; next && pages < PAGES; pages += 1) {
        const page = await ask(next, { signal });
        add(page);
        next = page.next;
        show(next);
      }
      if (next) rest.append(button("Count the others", () => load(next), { class: "more" }));
    } catch (error) {
      if (error.name === "AbortError") return;
      section.hidden = false;
      if (!groups.size) summary.textContent = "";
      redraw(rest, problem(error, () => load(next)));
    }
  }

  summary.textContent = "Loading …";
  load(`imports/${row.import_id}/causes?of=${of}`);
  return section;
}

/** Whether the cause follows from another one: it comes last. */
const isResult = ({ error }) => Number(error === "NOT_IMPORTED");

const sizeOf = ({ projects, files }) => projects + files;

/** How many groups there are, and what their numbers leave out. `total` is the number of what failed. */
function described(groups, unlisted, total) {
  const order = groups.length > 1 ? ", the most frequent first" : "";
  const many = groups.reduce((sum, each) => sum + sizeOf(each), 0) > total ? " A project with several faults is in several groups." : "";
  const others = unlisted ? ` ${number(unlisted)} more are counted, but not listed: each project lists its first ones.` : "";
  return `${several(groups.length, "cause")}${order}.${many}${others}`;
}

function group(cause, row, of, signal) {
  const all = sizeOf(cause);
  return make("li", { class: "cause" },
    make("div", { class: "what" },
      make("h3", {}, heading(cause), " ", make("span", { class: "quiet id" }, cause.error ?? cause.warning)),
      make("span", { class: `count ${of === "failures" ? "failed" : ""}` }, counted(cause))),
    make("p", {}, remedyFor(cause)),
    make("ul", { class: "examples" }, cause.examples.map((each) => make("li", {}, example(each, filesOf(row) > 1)))),
    all > cause.examples.length || cause.times > all ? members(cause, row, signal) : null);
}

function heading({ element, reason, warning }) {
  if (!element) return sentence(reason);
  return [make("code", {}, element), warning ? ": " : " ", reason];
}

const sentence = (words) => words[0].toUpperCase() + words.slice(1);

/** "2 projects", "1 file", or both. */
function counted({ projects, files }) {
  return [projects || !files ? several(projects, "project") : "", files ? several(files, "file") : ""].filter(Boolean).join(" and ");
}

function example({ name, external_id: id, file, line, value }, many) {
  const who = name ?? id;
  const where = [many && who && file, line && `line ${number(line)}`].filter(Boolean).join(", ");
  return [make("span", { class: "name" }, who ?? file ?? "(no name)"), id && name && id !== name ? make("span", { class: "quiet id" }, ` ${id}`) : null,
    where ? ` · ${where}` : null, value === null ? null : [" · ", make("q", {}, value)]];
}

/** The projects and files of a group, fetched once it opens, with a search and a CSV. */
function members(cause, row, signal) {
  const place = make("div");
  const element = make("details", { toggle: () => {
    if (element.open && !place.children.length) place.append(...memberTable(cause, row, signal));
  } }, make("summary", {}, sizeOf(cause) > 1 ? `All ${counted(cause)}` : `All ${number(cause.times)} places`), place);
  return element;
}

function memberTable(cause, row, signal) {
  const heads = ["Project or file", "Line", cause.error ? "What is wrong" : "Warnings"];
  const { element, body, row: line } = table(heads, `Projects and files: ${cause.element ?? ""} ${cause.reason}`);
  const place = make("div");
  const text = make("input", { type: "search", "aria-label": "Search in names, ids and files", placeholder: "Search in names, ids and files", maxlength: "100", input: unhurried(() => load()) });
  function load() {
    const query = new URLSearchParams({ cause: cause.cause, limit: 100 });
    if (text.value.trim()) query.set("text", text.value.trim());
    const { rest } = fetchedInSteps(body, `imports/${row.import_id}/results?${query}`, "results",
      (each) => line(cells(each, cause, filesOf(row) > 1)), { signal, empty: "Nothing matches." });
    place.replaceChildren(element, rest);
  }
  load();
  const query = `?cause=${cause.cause}`;
  return [make("div", { class: "finder" }, sizeOf(cause) > 20 ? text : null, csv(row, "These as CSV", query, cause.cause.toLowerCase())), place];
}

function cells(item, cause, many) {
  const { name, external_id: id, project_id: project, file, line, kind } = item;
  const title = kind === "file" ? file ?? "(no name)" : name ?? id ?? "(no name)";
  const who = project && item.outcome ? make("a", { class: "name", href: `#/projects/${project}` }, title) : make("span", { class: "name" }, title);
  return [
    [who, kind !== "file" && id && id !== name ? make("span", { class: "quiet id" }, id) : null],
    [line ? number(line) : "", many && kind !== "file" && file ? make("span", { class: "quiet" }, file) : null],
    cause.error ? faults(item) : warned(item.warnings),
  ];
}

/** Each fault as a sentence; more than three of them open. */
function faults({ message, violations = [], violation_count: all = violations.length }) {
  if (!violations.length) return make("span", {}, message);
  const line = (each) => make("li", {}, `Line ${number(each.line)}: ${each.message}`);
  const more = violations.slice(3);
  const left = all - violations.length;
  return [make("ul", { class: "faults" }, violations.slice(0, 3).map(line)),
    more.length ? make("details", {}, make("summary", {}, `${number(all - 3)} more`),
      make("ul", { class: "faults" }, more.map(line), left > 0 ? make("li", {}, `… and ${number(left)} more`) : null)) : null];
}
