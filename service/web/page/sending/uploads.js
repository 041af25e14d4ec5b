// The view that imports files: the form, and the uploads with their progress.

import { ask } from "../shared/api.js";
import { chooser } from "./chooser.js";
import { confirmed } from "../shared/confirm.js";
import { button, make } from "../shared/dom.js";
import { describeLeftOut } from "./files.js";
import { bytes, number, several } from "../shared/format.js";
import { hint, problem } from "../shared/notice.js";
import { result } from "../imports/result.js";
import { session } from "../session/token.js";
import { CHANGED, upload } from "./upload.js";

const BUSY = ["sending", "finishing", "lost"];
const ALMOST = 0.99; // the service has read the file, and writes the last projects
const LASTING = [0, 401, 403, 404, 429, 500, 503];
const PACKED = /\.(gz|zip)$/i;

const queue = [];
const list = make("div", { class: "queue" });
let form = null;
let owner = null;

export const underWay = () => queue.some(({ state }) => BUSY.includes(state.phase) || state.phase === "waiting");

/** The view. Uploads continue while the user visits other views, but not for another client. */
export function uploads() {
  const { client } = session();
  if (client !== owner) {
    for (const item of queue.splice(0)) item.drop();
    list.replaceChildren();
    owner = client;
  }
  form ??= chooser(take);
  return make("div", {}, make("h1", {}, "Import files"), form, list);
}

function take(selection, options) {
  const card = added(selection, options);
  list.prepend(card);
  if (card.getBoundingClientRect().bottom > innerHeight) card.scrollIntoView();
  next();
}

function added(selection, options) {
  const card = make("section", { class: "card upload", "aria-label": selection.title });
  const item = upload(selection, options, () => redraw(item));
  item.draw = drawing(item, card);
  queue.push(item);
  item.draw();
  return card;
}

function redraw(item) {
  item.draw();
  if (["ended", "dropped", "refused"].includes(item.state.phase)) next();
}

/** Start the next upload, unless an upload is running or waits for a decision of the user. */
function next() {
  if (queue.some(({ state }) => BUSY.includes(state.phase) || blocksQueue(state))) return;
  queue.find(({ state }) => state.phase === "waiting")?.run();
}

/** Whether an upload stopped for a reason that would stop the next one as well. */
const blocksQueue = ({ phase, error }) => phase === "broken" || (phase === "refused" && LASTING.includes(error.status));

/** Returns what draws one upload: everything at the start of a phase, and only the bars in between. */
function drawing(item, card) {
  const { state } = item;
  const bars = progress(state);
  const actions = make("div", { class: "actions" });
  const body = make("div");
  const phase = make("p", { class: "phase", role: "status" });
  const leftOut = describeLeftOut(state.leftOut);
  card.append(...[make("header", { class: "heading" }, make("h2", {}, state.title), make("span", { class: "quiet" }, asked(state))),
    leftOut && hint(leftOut, "warn"), phase, bars.element, body, actions].filter(Boolean));
  let drawn = null;
  return () => {
    bars.update();
    if (drawn === state.phase) return;
    drawn = state.phase;
    bars.element.hidden = !BUSY.includes(drawn);
    phase.textContent = words(state);
    phase.hidden = !phase.textContent;
    body.replaceChildren(...content(state));
    actions.replaceChildren(...choices(item));
    actions.hidden = !actions.children.length;
  };
}

function asked({ files, size, options, notes }) {
  const mode = { create: "only create", update: "only update" }[options.mode];
  const parts = [files.length > 1 && several(files.length, "file"), bytes(size), mode, options.dry_run && "dry run", options.atomic && "all or nothing", options.if_newer && "only newer plans", notes];
  return parts.filter(Boolean).join(" · ");
}

function words({ phase, row }) {
  return {
    waiting: "Waiting for the previous upload.",
    sending: "Sending",
    finishing: "Sent. The service is writing the last projects.",
    lost: "The connection was lost. Looking for the import …",
    broken: row
      ? "The connection was lost before the end. Projects that are already imported stay. Continue to send the same again; these projects are then unchanged."
      : "The connection was lost before the import started. Nothing has changed.",
    dropped: "Removed. Nothing is sent.",
  }[phase] ?? "";
}

function content({ phase, row, error }) {
  if (phase === "refused") return [problem(error)];
  if (phase === "broken" && row) {
    const stored = row.counts ? row.counts.created + row.counts.updated + row.counts.unchanged : 0;
    return [hint(`Import ${row.import_id}: ${several(stored, "project")} imported.${error?.status ? ` ${error.message}.` : ""}`, "warn")];
  }
  if (phase !== "ended") return [];
  const nothing = Object.values(row.counts ?? {}).every((count) => !count);
  if (error?.status && nothing) return [problem(error)];
  return [error?.status && row.state !== "completed" ? problem(error) : null, result(row)].filter(Boolean);
}

function choices(item) {
  const { state } = item;
  const again = (label) => button(label, () => item.run(), { class: "primary" });
  switch (state.phase) {
    case "waiting": return [button("Remove", item.drop)];
    case "sending":
    case "finishing":
    case "lost": return [button("Cancel", () => cancel(item))];
    case "broken": return [again("Continue"), button("Dismiss", item.drop)];
    case "refused": return [state.error.status === CHANGED ? null : again("Try again"), button("Dismiss", item.drop)].filter(Boolean);
    default: return [];
  }
}

/** Cancel an import on the server, or abort the upload if the server has no import yet. */
async function cancel(item) {
  const { state } = item;
  if (!(await confirmed(`Cancel the import of ${state.title}?`, "Projects that are already imported stay.", "Cancel the import"))) return;
  if (!BUSY.includes(state.phase)) return;
  try {
    const known = state.row ?? (await ask(`imports?limit=1&idempotency_key=${state.key}`)).imports[0];
    if (known) await ask(`imports/${known.import_id}/cancel`, { method: "POST" });
    else item.drop();
  } catch (error) {
    list.prepend(problem(error));
  }
}

function progress(state) {
  const sent = make("progress", { max: "1", "aria-label": "Bytes sent" });
  const done = make("progress", { max: "1", "aria-label": "Projects done" });
  const sentText = make("span");
  const doneText = make("span");
  const element = make("div", { class: "bars" },
    make("div", {}, make("span", { class: "label" }, "Sent"), sent, sentText),
    make("div", {}, make("span", { class: "label" }, "Projects"), done, doneText));
  const packed = state.files.some(({ path }) => PACKED.test(path)); // the bytes read are then not those sent
  const update = () => {
    sent.value = state.sent;
    sentText.textContent = `${bytes(state.sent * state.size)} of ${bytes(state.size)}`;
    const { projects_done: count = 0, bytes_read: read = 0 } = state.row ?? {};
    const share = packed || !state.size ? 0 : Math.min(ALMOST, read / state.size);
    if (share) done.value = share;
    else done.removeAttribute("value");
    const all = count && share && share < ALMOST ? ` of about ${number(Math.round(count / share))}` : " so far";
    doneText.textContent = `${number(count)}${all}`;
  };
  return { element, update };
}
