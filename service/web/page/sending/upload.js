// One upload of one or more files: sent with XHR, which reports the bytes sent, and followed by its idempotency key.

import { ApiError, UNREACHABLE, address, ask, authorization, importOf, refused } from "../shared/api.js";
import { newKey, pause } from "../shared/dom.js";
import { changedFile, XER } from "./files.js";
import { keepUpload } from "./kept.js";

const EVERY = 1;
const NOTICED = 1;
const WAITS = [2, 5, 10, 20, 30, 60]; // seconds before each next try
const MOST_TRIES = 30; // without a new project in between
const PASSING = [408, 429, 503]; // refusals that end by themselves
const PACKED = /\.(gz|zip)$/i;

/** The status of an upload with a file that changed on the disk: no response has it. */
export const CHANGED = "changed";

/**
 * An upload that is not sent yet. It keeps its key, and the files in their order, so that it can continue. `phase` is one of
 *   waiting   waits for the upload before it
 *   sending   sends bytes
 *   finishing has sent all bytes, and waits for the response
 *   lost      lost the connection, and looks for the import
 *   pausing   was interrupted, and continues by itself with the same key in `left` seconds
 *   broken    was interrupted, and continues when the user wants
 *   refused   was refused by the service, see `error`
 *   ended     has ended; `row` is the import
 *   dropped   was removed by the user
 */
export function upload({ files, leftOut, size, title }, { notes, charset, ...options }, client, changed) {
  const packed = files.some(({ path }) => PACKED.test(path)); // the bytes read are then not those sent
  const state = { ...begun({ key: newKey(), client, title, count: files.length, size, packed, notes, options }), files, leftOut, charset };
  const set = setter(state, changed);
  keepUpload(state);
  return { state, run: () => run(state, set), drop: () => drop(state, set), hurry: () => state.hurry?.abort(), stop: () => stop(state, set) };
}

/** An upload that a reload of the tab ended: only its import can be followed, because the files are lost. */
export function recalled(kept, changed) {
  const state = { ...begun(kept), files: [], leftOut: [], sent: 1, recalled: true };
  const set = setter(state, changed);
  return { state, run: () => find(state, set), drop: () => drop(state, set) };
}

const begun = (given) => ({ ...given, phase: "waiting", sent: 0, row: null, error: null, xhr: null, hurry: null, left: 0, recalled: false });

function setter(state, changed) {
  return (values) => {
    Object.assign(state, values);
    if ("phase" in values) keepUpload(state);
    changed(state);
  };
}

function drop(state, set) {
  set({ phase: "dropped" });
  state.hurry?.abort();
  state.xhr?.abort();
}

function stop(state, set) {
  set({ phase: "broken" });
  state.hurry.abort();
}

/** Send, and send again by itself after an interruption, as long as the user does not stop it. */
async function run(state, set) {
  for (let tries = 0; ; tries += 1) {
    const before = storedOf(state.row);
    await attempt(state, set);
    if (storedOf(state.row) > before) tries = 0;
    const seconds = waitAfter(state, tries);
    if (seconds === null) return;
    await wait(seconds, state, set);
    if (state.phase !== "pausing") return;
  }
}

/** The number of projects that an import has stored. */
export const storedOf = (row) => (row?.counts ? row.counts.created + row.counts.updated + row.counts.unchanged : 0);

/** Seconds until the next try, or null if there is none. */
function waitAfter({ phase, error }, tries) {
  const interrupted = phase === "broken" || (phase === "refused" && PASSING.includes(error.status));
  if (!interrupted || tries >= MOST_TRIES) return null;
  return error?.retryAfter ?? WAITS[Math.min(tries, WAITS.length - 1)];
}

/** Wait, and end early when the network returns or the user is in a hurry. */
async function wait(seconds, state, set) {
  const hurry = new AbortController();
  addEventListener("online", () => hurry.abort(), { signal: hurry.signal });
  set({ phase: "pausing", left: seconds, hurry });
  const ticking = setInterval(() => set({ left: Math.max(1, state.left - 1) }), 1000);
  await pause(seconds, hurry.signal);
  clearInterval(ticking);
  hurry.abort();
}

async function attempt(state, set) {
  set({ phase: "sending", sent: 0, error: null });
  const watching = new AbortController();
  const watched = watch(state, set, watching.signal);
  const answer = await authorization().then((bearer) => (state.phase === "dropped" ? {} : send(state, set, bearer)), (error) => ({ error }));
  watching.abort();
  await watched;
  if (state.phase === "dropped") return;
  try {
    if (answer.importId && !answer.running) return await settle(answer.importId, answer.error, set);
    if (answer.error && answer.error.status && !answer.running) return set({ phase: "refused", error: answer.error });
    set({ phase: "lost", error: answer.running ? null : answer.error });
    const path = await changedFile(state.files);
    if (path !== null) return set({ phase: "refused", error: fileChanged(path) });
    await look(state, set);
  } catch (error) {
    if (state.phase !== "dropped") set({ phase: "refused", error });
  }
}

async function find(state, set) {
  set({ phase: "lost", error: null });
  try {
    await look(state, set);
  } catch (error) {
    set({ phase: "refused", error });
  }
}

/**
 * Send the body, and resolve when the status arrives. The body of the response may be large: the browser reads it
 * as a blob, and the page ignores it, because it can fetch the outcomes.
 */
function send(state, set, bearer) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const form = new FormData();
    if (state.notes) form.append("notes", state.notes);
    const { charset } = state;
    for (const { file, path } of state.files) form.append("file", charset && XER.test(path) ? new Blob([file], { type: `application/octet-stream; charset=${charset}` }) : file, path);
    xhr.upload.onprogress = ({ loaded, total }) => set({ sent: Math.min(1, loaded / total) });
    xhr.upload.onload = () => set({ sent: 1, phase: "finishing" });
    xhr.onreadystatechange = () => {
      if (xhr.readyState !== XMLHttpRequest.HEADERS_RECEIVED || xhr.status !== 207) return;
      xhr.onload = null;
      resolve({ importId: importOf(xhr.getResponseHeader("Location")) });
    };
    xhr.onload = async () => resolve(failure(xhr, await xhr.response.text()));
    xhr.onerror = () => resolve({ error: new ApiError(0, UNREACHABLE) });
    xhr.onabort = () => resolve({});
    xhr.open("POST", `${address("projects/bulk")}?${new URLSearchParams({ ...state.options, outcomes: "errors" })}`);
    xhr.responseType = "blob";
    xhr.setRequestHeader("Accept", "application/json");
    xhr.setRequestHeader("Authorization", bearer);
    xhr.setRequestHeader("Idempotency-Key", state.key);
    state.xhr = xhr;
    xhr.send(form);
  });
}

const fileChanged = (path) => new ApiError(CHANGED, { message: "A file has changed", details: `“${path}” was changed, moved or deleted after you chose it.` });

function failure(xhr, text) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch { /* not JSON, such as the page of a proxy: the status is enough */ }
  const headers = { get: (name) => xhr.getResponseHeader(name) };
  const error = refused(new ApiError(xhr.status, body, headers));
  return { error, importId: error.importId, running: error.message === "Import in progress" };
}

/** Follow the import while its upload runs, to show the number of projects done. */
async function watch(state, set, signal) {
  for (await pause(EVERY, signal); !signal.aborted; await pause(EVERY, signal)) {
    try {
      const row = await underKey(state, signal);
      if (row && !signal.aborted) set({ row });
    } catch { /* the upload reports the error */ }
  }
}

async function underKey(state, signal) {
  const page = await ask(`imports?limit=1&idempotency_key=${state.key}`, { signal });
  return page.imports[0] ?? null;
}

/** Wait for the end of an import. */
async function settle(id, error, set) {
  for (;;) {
    try {
      const row = await ask(`imports/${id}`);
      if (row.state !== "running") return set(ended(row, error));
      set({ row, phase: "finishing" });
    } catch (fault) {
      if (fault.status) throw fault;
    }
    await pause(EVERY);
  }
}

function ended(row, error = null) {
  return { row, error, phase: row.state === "interrupted" ? "broken" : "ended" };
}

/** After the connection is lost, find the state of the import by its key. */
async function look(state, set) {
  while (state.phase === "lost") {
    try {
      const row = await underKey(state);
      if (state.phase !== "lost") return;
      if (!row) return set({ phase: "broken", row: null });
      if (row.state !== "running") return set(ended(row, state.error));
      set({ row });
    } catch (error) {
      if (error.status) throw error;
    }
    await pause(NOTICED);
  }
}
