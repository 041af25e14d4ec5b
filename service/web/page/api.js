// Requests, each with the token in its header; an answer that is none of success is an error.

import { session } from "./token.js";

/** What the service says, or that it could not be asked (status 0). */
export class ApiError extends Error {
  constructor(status, told = {}, headers = null) {
    super(told.details ?? told.message ?? `The answer has status ${status}`);
    this.status = status;
    this.title = told.message ?? "";
    this.importId = told.import_id ?? null;
    this.retryAfter = Number(headers?.get("Retry-After")) || null;
    this.requestId = headers?.get("X-Request-Id") ?? null;
  }
}

export const UNREACHABLE = {
  message: "The service cannot be reached",
  details: "The connection was lost, or the service is not there.",
};

/** Where something of the token's client is. */
export const address = (path) => `/api/v2/clients/${encodeURIComponent(session()?.client ?? "")}/${path}`;

/** `details` of an answer. `path` is below the client, or an address that begins with a slash. */
export async function ask(path, { method = "GET", signal } = {}) {
  return (await (await fetched(path, { method, signal })).json()).details;
}

/** The response itself, good as it is. */
export async function fetched(path, { method = "GET", accept = "application/json", headers = {}, signal } = {}) {
  const all = { Accept: accept, Authorization: `Bearer ${session()?.token}`, ...headers };
  let response;
  try {
    response = await fetch(path.startsWith("/") ? path : address(path), { method, headers: all, signal, redirect: "error" });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new ApiError(0, UNREACHABLE);
  }
  if (response.ok) return response;
  throw refused(new ApiError(response.status, await response.json().catch(() => ({})), response.headers));
}

/** Tell the page where a token does not hold. */
export function refused(error) {
  if (error.status === 401) dispatchEvent(new CustomEvent("refused", { detail: error }));
  return error;
}

/** The import that a `Location` names. */
export const importOf = (location) => Number(/\/imports\/(\d+)$/.exec(location ?? "")?.[1]) || null;

/** Save what an address gives as a file of the reader's. */
export async function download(path, accept, name) {
  const blob = await (await fetched(path, { accept })).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
