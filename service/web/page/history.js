// The imports there were, the latest first.

import { ask } from "./api.js";
import { choice, make, pause, redraw, unhurried } from "./dom.js";
import { bytes, lasting, moment, number } from "./format.js";
import { fetchedInSteps, table } from "./pages.js";
import { acts } from "./acts.js";

const STATES = ["running", "completed", "failed", "interrupted", "cancelled"];
const HEADS = ["Import", "State", "Projects", "Notes", "When", ""];
const EVERY = 2;

export function imports({ signal }) {
  const text = make("input", { type: "search", "aria-label": "Search in notes and file names", placeholder: "Search in notes and file names", maxlength: "100", input: unhurried(() => load()) });
  const state = choice([["", "any state"], ...STATES.map((each) => [each, each])], { "aria-label": "State", change: () => load() });
  const place = make("div");
  let loading = new AbortController();

  function load() {
    loading.abort();
    loading = new AbortController();
    const query = new URLSearchParams({ limit: 50 });
    if (text.value.trim()) query.set("text", text.value.trim());
    if (state.value) query.set("state", state.value);
    const { element, body, row } = table(HEADS, "Imports");
    const alive = AbortSignal.any([signal, loading.signal]);
    const { rest } = fetchedInSteps(body, `imports?${query}`, "imports", (each) => line(each, row, alive), {
      signal: alive, empty: text.value || state.value ? "No import is like that." : "There are no imports yet.",
    });
    place.replaceChildren(element, rest);
  }

  load();
  return make("div", {}, make("h1", {}, "History"), make("div", { class: "finder" }, text, state), place);
}

/** A row, which follows its import while that runs. */
function line(told, row, signal) {
  const element = row(cells(told, changed));
  function changed(now) {
    redraw(element, [...row(cells(now, changed)).children]);
    if (now.state === "running") follow(now.import_id, changed, signal);
  }
  if (told.state === "running") follow(told.import_id, changed, signal);
  return element;
}

async function follow(id, changed, signal) {
  await pause(EVERY, signal);
  if (signal.aborted) return;
  try {
    changed(await ask(`imports/${id}`, { signal }));
  } catch { /* left, or gone: the row stays as it was */ }
}

function cells(told, changed) {
  return [
    [make("a", { class: "name", href: `#/imports/${told.import_id}` }, title(told)), make("span", { class: "quiet" }, `${told.import_id} · ${told.subject || "nobody named"}`)],
    badge(told), counted(told), told.notes ?? "",
    [moment(told.started_at), make("span", { class: "quiet" }, told.ended_at ? lasting(told.started_at, told.ended_at) : "")],
    make("div", { class: "actions" }, acts(told, changed)),
  ];
}

export function title({ options, filename, import_id: id }) {
  return options?.undo ? `Undo of import ${options.undo}` : filename ?? `Import ${id}`;
}

export function badge({ state, cancel_requested: stopping, options }) {
  const shown = state === "running" && stopping ? "stopping" : state;
  return [make("span", { class: `badge ${state}` }, shown), options?.dry_run ? make("span", { class: "badge" }, "dry run") : null];
}

function counted({ state, counts, projects_done: done, bytes_read: read }) {
  if (state === "running" || !counts) return make("span", { class: "quiet" }, `${number(done)} so far, ${bytes(read)} read`);
  const there = Object.entries(counts).filter(([, count]) => count);
  return there.length ? there.map(([kind, count]) => make("span", { class: `count ${kind}` }, `${number(count)} ${kind}`)) : "none";
}
