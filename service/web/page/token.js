// The token: pasted by hand, kept for this tab alone, never in an address.

const KEPT = "bulk-import";

/** {token, client, subject, expires} or null. */
export function session() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

export function keep(token, client) {
  const claims = claimsOf(token) ?? {};
  const said = { token, client, subject: text(claims.sub), expires: Number(claims.exp) || null };
  sessionStorage.setItem(KEPT, JSON.stringify(said));
}

export function forget() {
  sessionStorage.removeItem(KEPT);
}

/** What a token says of itself, unverified, or null where it is no JWT. */
export function claimsOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const read = Uint8Array.from(atob(part), (each) => each.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(read));
  } catch {
    return null;
  }
}

/** The client ids that a token names, as texts; none where it is good for all, or says so elsewhere. */
export function clientsOf(token) {
  const named = [claimsOf(token)?.clients ?? []].flat();
  return named.map(String).filter((each) => /^\d{1,18}$/.test(each));
}

const text = (value) => (typeof value === "string" ? value : "");
