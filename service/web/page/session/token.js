// The token: pasted by the user, kept for this tab only, never part of an address.

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
  const kept = { token, client, subject: text(claims.sub), expires: Number(claims.exp) || null };
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

export function forget() {
  sessionStorage.removeItem(KEPT);
}

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

/** The client ids in a token, as texts. The list is empty if the token allows all, or uses another claim. */
export function clientsOf(token) {
  const named = [claimsOf(token)?.clients ?? []].flat();
  return named.map(String).filter((each) => /^\d{1,18}$/.test(each));
}

const text = (value) => (typeof value === "string" ? value : "");
