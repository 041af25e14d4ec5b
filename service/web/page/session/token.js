// The session: the token and the client that it is used for. This tab keeps it, and no address has it.

const KEPT = "bulk-import";
const SLACK = 5000; // milliseconds that a clock may differ without a correction

/** What the pages must know about tokens; see service/http/auth/sign_in.py. */
export const configuration = JSON.parse(document.documentElement.dataset.session);

/** Words for the actions that a token can allow. */
export const ACTIONS = {
  read: "read", import: "import and cancel", undo: "undo imports", delete: "archive projects", break: "end locks of others",
};

/**
 * The session, or null:
 *   token    the JWT that requests carry
 *   client   the chosen client; empty until it is chosen
 *   subject  the `sub` of the token, and `name` the user's name, if the issuer gives one
 *   skew     milliseconds by which the clock of this computer is ahead of the service's
 *   issuer   only after a sign-in at the issuer: {refresh, idToken, stale, ends}, times in milliseconds of this computer
 */
export function session() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

/** Keep a new token. The client stays if the token still names it; a single client is chosen at once. */
export function keep(token, issuer = null, name = "") {
  const before = session();
  const clients = clientsOf(token);
  const stays = before?.client && (clients.includes(before.client) || clients.includes("*"));
  const only = clients.length === 1 && clients[0] !== "*" ? clients[0] : "";
  const { sub } = claimsOf(token) ?? {};
  write({
    token, issuer, name: name || "", subject: typeof sub === "string" ? sub : "", skew: before?.skew ?? 0,
    client: stays ? before.client : only,
  });
}

export const choose = (client) => write({ ...session(), client });

export function forget() {
  sessionStorage.removeItem(KEPT);
}

const write = (values) => sessionStorage.setItem(KEPT, JSON.stringify(values));

/** The unverified claims of a token, or null if it is not a JWT. */
export function claimsOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const read = Uint8Array.from(atob(part), (each) => each.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(read));
  } catch {
    return null;
  }
}

/** The client ids in a token, as texts; `*` means all clients. */
export function clientsOf(token) {
  const named = [claimsOf(token)?.[configuration.clients_claim] ?? []].flat();
  return named.map(String).filter((each) => each === "*" || /^\d{1,18}$/.test(each));
}

/** Whether the token allows an action: one of `ACTIONS`. */
export function may(action) {
  const claim = claimsOf(session()?.token ?? "")?.[configuration.scope_claim] ?? [];
  const scopes = typeof claim === "string" ? claim.split(/\s+/) : [claim].flat();
  return scopes.includes(configuration.scopes[action]);
}

/** Correct the end of the session by the clock of the service: the `Date` of a response. */
export function noteServerTime(date) {
  const known = session();
  const ahead = Date.now() - Date.parse(date ?? "");
  if (!known || Number.isNaN(ahead)) return;
  const skew = Math.abs(ahead) < SLACK ? 0 : ahead;
  if (Math.abs(skew - known.skew) > SLACK) write({ ...known, skew });
}

/** The end of the session in milliseconds, or null if the issuer decides it: the time to show. */
export function endOf({ token, issuer }) {
  if (issuer?.refresh) return issuer.ends;
  const { exp } = claimsOf(token) ?? {};
  return Number(exp) ? exp * 1000 : null;
}

/** Milliseconds until an end, also if the clock of this computer is wrong. */
export const timeLeft = (end, { skew, issuer }) => end - Date.now() + (issuer?.refresh ? 0 : skew);
