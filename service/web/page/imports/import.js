// One import: its state, its facts, and the outcomes of its projects.

import { ask } from "../shared/api.js";
import { make, pause, redraw } from "../shared/dom.js";
import { filesOf } from "../sending/files.js";
import { bytes, format, lasting, moment, number, several } from "../shared/format.js";
import { title } from "./imports.js";
import { badge, linkTo } from "./states.js";
import { actionButtons } from "./actions.js";
import { shown } from "../shared/notice.js";
import { result } from "./result.js";

const EVERY = 1;

export function oneImport({ signal, given: [id] }) {
  const place = make("div");
  const draw = (row) => [head(row, show), row.state === "running" ? going(row) : result(row, { signal, linked: false })];

  async function show(row) {
    redraw(place, draw(row));
    if (row.state !== "running") return;
    await pause(EVERY, signal);
    if (!signal.aborted) await ask(`imports/${id}`, { signal }).then(show);
  }

  shown(place, () => ask(`imports/${id}`, { signal }).then((row) => {
    if (row.state === "running") pause(0).then(() => show(row)).catch(() => {});
    return draw(row);
  }), signal);
  return place;
}

function head(row, changed) {
  const { import_id: id, subject, started_at: from, ended_at: to, bytes_read: read, dialect, options, notes, attempt, request_id: request } = row;
  const facts = [
    ["Import", id], ["Undoes", options?.undo && linkTo(options.undo)], ["By", subject], ["Started", moment(from)], ["Duration", to && lasting(from, to)],
    ["Read", options?.undo ? "" : bytes(read)], ["Files", fileCount(row)], ["Format", format(dialect)], ["Options", asked(options)],
    ["Attempts", attempt > 1 && number(attempt)], ["Notes", notes], ["Request id", request && make("span", { class: "id" }, request)],
  ];
  return make("header", {},
    make("h1", {}, title(row), " ", badge(row)),
    make("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    make("div", { class: "actions" }, actionButtons(row, changed)));
}

function fileCount(row) {
  const count = filesOf(row);
  if (count < 2) return "";
  return row.files.failed ? `${number(count)}, of which ${number(row.files.failed)} could not be read` : number(count);
}

function asked(options) {
  const { mode, atomic, dry_run: dry, if_newer: newer } = options ?? {};
  return [mode && mode !== "upsert" ? `only ${mode}` : "", atomic ? "all or nothing" : "", dry ? "dry run" : "", newer ? "only newer plans" : ""].filter(Boolean).join(", ");
}

function going({ projects_done: done, bytes_read: read }) {
  return make("div", { class: "card" }, make("progress", { "aria-label": "Running" }), make("p", { role: "status" }, `${several(done, "project")} done so far, ${bytes(read)} read.`));
}
