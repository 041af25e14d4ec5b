// The view that imports files: the form, and the uploads with their progress.

import { ask } from "../shared/api.js";
import { chooser } from "./chooser.js";
import { confirmed } from "../shared/confirm.js";
import { button, make } from "../shared/dom.js";
import { describeLeftOut } from "./files.js";
import { bytes, several } from "../shared/format.js";
import { keptUploads } from "./kept.js";
import { hint, problem } from "../shared/notice.js";
import { progress } from "./progress.js";
import { result } from "../imports/result.js";
import { session } from "../session/token.js";
import { CHANGED, recalled, storedOf, upload } from "./upload.js";

const BUSY = ["sending", "finishing", "lost", "pausing"];
const LASTING = [0, 401, 403, 404, 429, 500, 503];

const queue = [];
const list = make("div", { class: "queue" });
let form = null;
let owner = null;

export const underWay = () => queue.some(({ state }) => !state.recalled && (BUSY.includes(state.phase) || state.phase === "waiting"));

/** The view. Uploads continue while the user visits other views, but not for another client. */
export function uploads() {
  const { client } = session();
  if (client !== owner) {
    for (const item of queue.splice(0)) item.drop();
    list.replaceChildren();
    owner = client;
    for (const kept of keptUploads(client)) recall(kept);
  }
  form ??= chooser(take);
  return make("div", {}, make("h1", {}, "Import files"), form, list);
}

function take(selection, options) {
  const card = added(selection.title, (changed) => upload(selection, options, owner, changed));
  card.focus({ preventScroll: true });
  if (card.getBoundingClientRect().bottom > innerHeight) card.scrollIntoView();
  next();
}

function recall(kept) {
  added(kept.title, (changed) => recalled(kept, changed));
  queue.at(-1).run();
}

/** Add an upload and its card, which is the first of the list. */
function added(title, begin) {
  const card = make("section", { class: "card upload", "aria-label": title, tabindex: "-1" });
  const item = begin(() => redraw(item));
  item.draw = drawing(item, card);
  queue.push(item);
  item.draw();
  list.prepend(card);
  return card;
}

function redraw(item) {
  item.draw();
  if (["ended", "dropped", "refused"].includes(item.state.phase)) next();
}

/** Start the next upload, unless an upload is running or waits for a decision of the user. */
function next() {
  if (queue.some(({ state }) => !state.recalled && (BUSY.includes(state.phase) || blocksQueue(state)))) return;
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
  const countdown = make("p", { class: "quiet countdown" });
  const leftOut = describeLeftOut(state.leftOut);
  card.append(...[make("header", { class: "heading" }, make("h2", {}, state.title), make("span", { class: "quiet" }, asked(state))),
    leftOut && hint(leftOut, "warn"), phase, countdown, bars.element, body, actions].filter(Boolean));
  let drawn = null;
  return () => {
    bars.update();
    countdown.textContent = state.phase === "pausing" ? `Next try in ${state.left} s.` : "";
    if (drawn === state.phase) return;
    drawn = state.phase;
    bars.element.hidden = !BUSY.includes(drawn) || drawn === "pausing";
    phase.textContent = words(state);
    phase.hidden = !phase.textContent;
    body.replaceChildren(...content(state));
    actions.replaceChildren(...choices(item, card));
    actions.hidden = !actions.children.length;
  };
}

function asked({ count, size, options, notes }) {
  const mode = { create: "only create", update: "only update" }[options.mode];
  const parts = [count > 1 && several(count, "file"), bytes(size), mode, options.dry_run && "dry run", options.atomic && "all or nothing", options.if_newer && "only newer plans", notes];
  return parts.filter(Boolean).join(" · ");
}

function words(state) {
  const { phase, row, error } = state;
  const lost = state.recalled ? "The page was loaded again while these files were sent." : "The connection was lost.";
  return {
    waiting: "Waiting for the previous upload.",
    sending: "Sending",
    finishing: "Sent. The service is writing the last projects.",
    lost: state.recalled && row ? `${lost} The service is still importing.` : `${lost} Looking for the import …`,
    pausing: `${error?.status ? `${error.title}.` : interruption(row)} The page goes on by itself; leave it open.`,
    broken: state.recalled ? reloaded(row) : `${interruption(row)} Continue to send the same again${row ? "; what is already imported is then unchanged" : ""}.`,
    dropped: "Cancelled. Nothing is sent.",
  }[phase] ?? "";
}

function interruption(row) {
  if (!row) return "The connection was lost before the import started. Nothing has changed.";
  return `The connection was lost before the end. ${kept(row)}`;
}

function reloaded(row) {
  const again = "The browser no longer has the files: choose them again";
  if (!row) return `The page was loaded again before the import started. Nothing has changed. ${again}.`;
  return `The page was loaded again before the end. ${kept(row)} ${again} to import the rest; what is already imported is then unchanged.`;
}

/** What is imported, and stays so. */
function kept(row) {
  const stored = storedOf(row);
  return stored ? `${several(stored, "project")} ${stored === 1 ? "is" : "are"} imported and stay${stored === 1 ? "s" : ""}.` : "No project was imported yet.";
}

function content({ phase, row, error }) {
  if (phase === "refused") return [problem(error)];
  if (phase === "pausing" && error?.status) return [hint(error.message, "warn")];
  if (phase === "broken" && row && error?.status) return [hint(`Import ${row.import_id}: ${error.message}.`, "warn")];
  if (phase !== "ended") return [];
  const nothing = Object.values(row.counts ?? {}).every((count) => !count);
  if (error?.status && nothing) return [problem(error)];
  return [error?.status && row.state !== "completed" ? problem(error) : null, result(row)].filter(Boolean);
}

function choices(item, card) {
  const { state } = item;
  const again = (label) => button(label, () => item.run(), { class: "primary" });
  const dismiss = button("Dismiss", () => { item.drop(); card.remove(); });
  switch (state.phase) {
    case "waiting": return [button("Remove", () => { item.drop(); card.remove(); })];
    case "sending":
    case "finishing":
    case "lost": return [button("Cancel", () => cancel(item))];
    case "pausing": return [button("Try now", () => item.hurry(), { class: "primary" }), button("Stop", () => item.stop())];
    case "broken": return state.recalled ? [dismiss] : [again("Continue"), dismiss];
    case "refused": return [state.recalled || state.error.status !== CHANGED ? again("Try again") : null, dismiss].filter(Boolean);
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
