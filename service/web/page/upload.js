// One file on its way: sent by XHR, which tells of bytes; followed by its idempotency key.

import { ApiError, UNREACHABLE, address, ask, importOf, refused } from "./api.js";
import { newKey, pause } from "./dom.js";
import { session } from "./token.js";

const EVERY = 1;
const NOTICED = 1;

/**
 * An upload, not yet sent. `phase` is one of
 *   waiting   its turn has not come
 *   sending   bytes go out
 *   finishing all bytes are out, the answer is awaited
 *   lost      the connection broke: the import is looked for
 *   broken    it broke off, and can go on under the same key
 *   refused   the service said no, see `error`
 *   ended     `row` is the import as it ended
 *   dropped   taken back before the service knew of it
 */
export function upload(file, { notes, ...options }, changed) {
  const state = { file, notes, options, key: newKey(), phase: "waiting", sent: 0, row: null, error: null, xhr: null };
  const set = (values) => { Object.assign(state, values); changed(state); };
  return { state, run: () => run(state, set), drop: () => drop(state, set) };
}

function drop(state, set) {
  set({ phase: "dropped" });
  state.xhr?.abort();
}

async function run(state, set) {
  set({ phase: "sending", sent: 0, error: null });
  const watching = new AbortController();
  const watched = watch(state, set, watching.signal);
  const answer = await send(state, set);
  watching.abort();
  await watched;
  if (state.phase === "dropped") return;
  try {
    if (answer.importId && !answer.running) return await settle(answer.importId, answer.error, set);
    if (answer.error && answer.error.status && !answer.running) return set({ phase: "refused", error: answer.error });
    set({ phase: "lost", error: answer.running ? null : answer.error });
    await look(state, set);
  } catch (error) {
    set({ phase: "refused", error });
  }
}

/**
 * Send the body; how that came out, told as soon as the status is there. What follows it may be large:
 * the browser reads it as a blob, which nobody looks into, since the outcomes can be asked for.
 */
function send(state, set) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    const form = new FormData();
    if (state.notes) form.append("notes", state.notes);
    form.append("file", state.file);
    xhr.upload.onprogress = ({ loaded, total }) => set({ sent: Math.min(1, loaded / total) });
    xhr.upload.onload = () => set({ sent: 1, phase: "finishing" });
    xhr.onreadystatechange = () => {
      if (xhr.readyState !== XMLHttpRequest.HEADERS_RECEIVED || xhr.status !== 207) return;
      xhr.onload = null;
      resolve({ importId: importOf(xhr.getResponseHeader("Location")) });
    };
    xhr.onload = async () => resolve(told(xhr, await xhr.response.text()));
    xhr.onerror = () => resolve({ error: new ApiError(0, UNREACHABLE) });
    xhr.onabort = () => resolve({});
    xhr.open("POST", `${address("projects/bulk")}?${new URLSearchParams({ ...state.options, outcomes: "errors" })}`);
    xhr.responseType = "blob";
    xhr.setRequestHeader("Accept", "application/json");
    xhr.setRequestHeader("Authorization", `Bearer ${session()?.token}`);
    xhr.setRequestHeader("Idempotency-Key", state.key);
    state.xhr = xhr;
    xhr.send(form);
  });
}

function told(xhr, text) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch { /* a proxy's own page, say: the status tells */ }
  const headers = { get: (name) => xhr.getResponseHeader(name) };
  const error = refused(new ApiError(xhr.status, body, headers));
  return { error, importId: error.importId, running: error.message === "Import in progress" };
}

/** Follow the import while its upload runs: how many projects are done. */
async function watch(state, set, signal) {
  for (await pause(EVERY, signal); !signal.aborted; await pause(EVERY, signal)) {
    try {
      const row = await underKey(state, signal);
      if (row && !signal.aborted) set({ row });
    } catch { /* the upload itself tells what is wrong */ }
  }
}

async function underKey(state, signal) {
  const page = await ask(`imports?limit=1&idempotency_key=${state.key}`, { signal });
  return page.imports[0] ?? null;
}

/** Wait for an import's end. */
async function settle(id, error, set) {
  for (;;) {
    const row = await ask(`imports/${id}`);
    if (row.state === "running") set({ row, phase: "finishing" });
    else return set(ended(row, error));
    await pause(EVERY);
  }
}

function ended(row, error = null) {
  return { row, error, phase: row.state === "interrupted" ? "broken" : "ended" };
}

/** After the connection is lost: what has become of the import, by its key. */
async function look(state, set) {
  while (state.phase === "lost") {
    try {
      const row = await underKey(state);
      if (!row) return set({ phase: "broken", row: null });
      if (row.state !== "running") return set(ended(row, state.error));
      set({ row });
    } catch (error) {
      if (error.status) throw error;
    }
    await pause(NOTICED);
  }
}
