// The list of imports, the latest first. The address has the filters.

import { ask } from "../shared/api.js";
import { choice, make, pause, redraw, unhurried } from "../shared/dom.js";
import { bytes, lasting, moment, number, several } from "../shared/format.js";
import { filesOf, titled } from "../sending/files.js";
import { fetchedInSteps, table } from "../shared/lists.js";
import { actionButtons } from "./actions.js";
import { badge, counterpart, RESULTS } from "./states.js";

const HEADS = ["Import", "State", "Projects", "Notes", "Started", ""];
const KINDS = ["created", "updated", "unchanged", "failed"];
const EVERY = 2;

export function imports({ signal, given: [query] }) {
  const asked = new URLSearchParams(query ?? "");
  const text = make("input", { type: "search", "aria-label": "Search in notes and file names", placeholder: "Search in notes and file names", maxlength: "100", value: asked.get("text") ?? "", input: unhurried(() => changed()) });
  const state = choice([["", "any state"], ...RESULTS.map((each) => [each, each])], { "aria-label": "State", change: () => changed() });
  if (RESULTS.includes(asked.get("state"))) state.value = asked.get("state");
  const place = make("div");
  let loading = new AbortController();

  /** Put the filters into the address, and load. */
  function changed() {
    if (signal.aborted) return; // the user left while a search was waiting
    const kept = new URLSearchParams(filters(["text", "state"]));
    history.replaceState(null, "", `#/imports${kept.size ? `?${kept}` : ""}`);
    load();
  }

  function filters([search, result]) {
    return [[search, text.value.trim()], [result, state.value]].filter(([, value]) => value);
  }

  function load() {
    loading.abort();
    loading = new AbortController();
    const query = new URLSearchParams([["limit", 50], ...filters(["text", "result"])]);
    const { element, body, row } = table(HEADS, "Imports");
    const alive = AbortSignal.any([signal, loading.signal]);
    const { rest } = fetchedInSteps(body, `imports?${query}`, "imports", (each) => line(each, row, alive), {
      signal: alive, empty: text.value || state.value ? "No import matches." : "There are no imports yet.",
    });
    place.replaceChildren(element, rest);
  }

  load();
  return make("div", {}, make("h1", {}, "History"), make("div", { class: "finder" }, text, state), place);
}

/** A row that updates while its import runs. */
function line(item, row, signal) {
  const element = row(cells(item, changed));
  function changed(now) {
    redraw(element, [...row(cells(now, changed)).children]);
    if (now.state === "running") follow(now.import_id, changed, signal);
  }
  if (item.state === "running") follow(item.import_id, changed, signal);
  return element;
}

async function follow(id, changed, signal) {
  await pause(EVERY, signal);
  if (signal.aborted) return;
  try {
    changed(await ask(`imports/${id}`, { signal }));
  } catch { /* the view was left, or the import is gone: keep the row */ }
}

function cells(row, changed) {
  return [
    [make("a", { class: "name", href: `#/imports/${row.import_id}` }, title(row)), make("span", { class: "quiet" }, `${row.import_id} · ${row.subject || "unknown user"}`)],
    [badge(row), row.undone_by ? make("span", { class: "quiet" }, counterpart(row)) : null], counted(row), row.notes ?? "",
    [make("span", { class: "when" }, moment(row.started_at)), make("span", { class: "quiet" }, row.ended_at ? lasting(row.started_at, row.ended_at) : "")],
    make("div", { class: "actions" }, actionButtons(row, changed)),
  ];
}

export function title(row) {
  if (row.options?.undo) return `Undo of import ${row.options.undo}`;
  return row.filename ? titled(row.filename, filesOf(row)) : `Import ${row.import_id}`;
}

function counted({ state, counts, files, projects_done: done, bytes_read: read }) {
  if (state === "running" || !counts) return make("span", { class: "quiet" }, `${number(done)} so far, ${bytes(read)} read`);
  const there = KINDS.map((kind) => [kind, counts[kind]]).filter(([, count]) => count);
  const parts = there.map(([kind, count]) => make("span", { class: `count ${kind}` }, `${number(count)} ${kind}`));
  if (files?.failed) parts.push(make("span", { class: "count failed" }, `${several(files.failed, "file")} not read`));
  return parts.length ? make("div", { class: "counts" }, parts) : "none";
}
