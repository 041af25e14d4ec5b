// One import: how it is, who and when, and what became of its projects.

import { ask } from "./api.js";
import { make, pause, redraw } from "./dom.js";
import { bytes, format, lasting, moment, number } from "./format.js";
import { badge, title } from "./history.js";
import { acts } from "./acts.js";
import { shown } from "./notice.js";
import { result } from "./result.js";

const EVERY = 1;

export function oneImport({ signal, given: [id] }) {
  const place = make("div");
  const draw = (told) => [head(told, show), told.state === "running" ? going(told) : result(told, { signal, linked: false })];

  async function show(told) {
    redraw(place, draw(told));
    if (told.state !== "running") return;
    await pause(EVERY, signal);
    if (!signal.aborted) await ask(`imports/${id}`, { signal }).then(show);
  }

  shown(place, ask(`imports/${id}`, { signal }).then((told) => {
    if (told.state === "running") pause(0).then(() => show(told)).catch(() => {});
    return draw(told);
  }), signal);
  return place;
}

function head(told, changed) {
  const { import_id: id, subject, started_at: from, ended_at: to, bytes_read: read, dialect, options, notes, attempt, request_id: request } = told;
  const facts = [
    ["Import", id], ["By", subject], ["Begun", moment(from)], ["Took", to && lasting(from, to)],
    ["Read", options?.undo ? "" : bytes(read)], ["Format", format(dialect)], ["Options", asked(options)],
    ["Attempts", attempt > 1 && number(attempt)], ["Notes", notes], ["Request id", request && make("span", { class: "id" }, request)],
  ];
  return make("header", {},
    make("h1", {}, title(told), " ", badge(told)),
    make("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    make("div", { class: "actions" }, acts(told, changed)));
}

function asked(options) {
  const { mode, atomic, dry_run: dry } = options ?? {};
  return [mode && mode !== "upsert" ? `only ${mode}` : "", atomic ? "all or nothing" : "", dry ? "dry run" : ""].filter(Boolean).join(", ");
}

function going({ projects_done: done }) {
  return make("div", { class: "card" }, make("progress", { "aria-label": "Under way" }), make("p", { role: "status" }, `${number(done)} projects done so far.`));
}
