// Requests with the token in their header. A response without success becomes an ApiError.

import { freshToken } from "../session/issuer.js";
import { noteServerTime, session } from "../session/token.js";

/** An error response of the service, or an unreachable service (status 0). */
export class ApiError extends Error {
  constructor(status, body = {}, headers = null) {
    super(body.details ?? body.message ?? `The response has status ${status}`);
    this.status = status;
    this.title = body.message ?? "";
    this.importId = body.import_id ?? null;
    this.retryAfter = Number(headers?.get("Retry-After")) || null;
    this.requestId = headers?.get("X-Request-Id") ?? null;
  }
}

export const UNREACHABLE = {
  message: "The service cannot be reached",
  details: "The connection was lost, or the service does not respond.",
};

/** The address of a path below the token's client. */
export const address = (path) => `/api/v2/clients/${encodeURIComponent(session()?.client ?? "")}/${path}`;

/** Return `details` of a response. `path` is below the client, or an address that begins with a slash. */
export async function ask(path, { method = "GET", signal } = {}) {
  return (await (await fetched(path, { method, signal })).json()).details;
}

/** Return a successful response. */
export async function fetched(path, { method = "GET", accept = "application/json", headers = {}, signal } = {}) {
  const all = { Accept: accept, Authorization: await authorization(), ...headers };
  let response;
  try {
    response = await fetch(path.startsWith("/") ? path : address(path), { method, headers: all, signal, redirect: "error" });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new ApiError(0, UNREACHABLE);
  }
  noteServerTime(response.headers.get("Date"));
  if (response.ok) return response;
  throw refused(new ApiError(response.status, await response.json().catch(() => ({})), response.headers));
}

/** The header for the session's token, which is renewed first if it ends soon. */
export async function authorization() {
  try {
    return `Bearer ${await freshToken()}`;
  } catch (error) {
    const failed = new ApiError(error.ended ? 401 : 0, { message: error.title, details: error.message });
    throw refused(Object.assign(failed, { ended: error.ended ? Date.now() : null }));
  }
}

/** Notify the page if the service refused the token. */
export function refused(error) {
  if (error.status === 401) dispatchEvent(new CustomEvent("refused", { detail: error }));
  return error;
}

/** The import id in a `Location` header. */
export const importOf = (location) => Number(/\/imports\/(\d+)$/.exec(location ?? "")?.[1]) || null;

/** Save a response as a file of the user. */
export async function download(path, accept, name) {
  const blob = await (await fetched(path, { accept })).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
