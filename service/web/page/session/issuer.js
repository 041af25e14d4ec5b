// Signing in at the issuer: OpenID Connect, authorization code with PKCE. The page is a public client and has no secret.

import { claimsOf, configuration, forget, keep, session } from "./token.js";

const FLOW = "bulk-import-flow";
const MARGIN = 30_000; // milliseconds before its end at which a token is renewed

/** The issuer's entry in the configuration, or null. */
export const issuer = configuration.issuer;

/** A sign-in that failed, with a remedy. */
export class SignInError extends Error {
  constructor(title, message, remedy = "") {
    super(message);
    Object.assign(this, { title, remedy });
  }
}

const REMEDIES = {
  access_denied: "Sign in with an account that may use this service, or ask its operator.",
  invalid_scope: "The operator of the service must correct BULK_IMPORT_OIDC_SCOPES.",
  unauthorized_client: "The operator of the service must register this page at the issuer.",
  invalid_client: "The operator of the service must register this page at the issuer, as a public client.",
  server_error: "Try again in a moment.",
  temporarily_unavailable: "Try again in a moment.",
};
const OPERATOR = "If it happens again, ask the operator of the service.";

/** The address that the issuer sends users back to. */
const home = () => `${location.origin}/`;

/** Leave the page for the issuer's form. `prompt` is "login" to ask for another account. */
export async function leaveForIssuer(prompt = null) {
  if (!issuer.token_endpoint) throw new SignInError("Signing in is not possible now", "The service cannot reach the issuer.", "Reload the page in a minute.");
  if (!crypto.subtle) throw new SignInError("Signing in needs https", "The browser allows it only on pages that were loaded with https.", "Open the page with https.");
  const flow = { state: secret(), nonce: secret(), verifier: secret(), back: location.pathname + location.hash };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(flow.verifier));
  sessionStorage.setItem(FLOW, JSON.stringify(flow));
  location.assign(withQuery(issuer.authorization_endpoint, {
    response_type: "code", response_mode: "fragment", client_id: issuer.client_id, redirect_uri: home(),
    scope: issuer.scope, audience: issuer.audience, state: flow.state, nonce: flow.nonce, prompt,
    code_challenge: encoded(new Uint8Array(digest)), code_challenge_method: "S256",
  }));
}

/** The issuer's answer in the address, or null. It is removed from the address. One that this tab did not ask for ends no session. */
export function takeAnswer() {
  const given = [location.hash, location.search].map((part) => new URLSearchParams(part.slice(1)));
  const answer = given.find((each) => each.has("state") && (each.has("code") || each.has("error")));
  if (!answer) return null;
  history.replaceState(null, "", "/");
  const asked = JSON.parse(sessionStorage.getItem(FLOW))?.state === answer.get("state");
  return asked || !session() ? answer : null;
}

/** Exchange the issuer's answer for a session, and return the address at which the user left. */
export async function finishSignIn(answer) {
  const flow = JSON.parse(sessionStorage.getItem(FLOW));
  sessionStorage.removeItem(FLOW);
  if (!flow || answer.get("state") !== flow.state) {
    throw new SignInError("This sign-in cannot be used", "It was not started in this tab, or was used before.", "Sign in again.");
  }
  if (flow.back.startsWith("/#")) history.replaceState(null, "", flow.back); // another page would have to be loaded
  if ((answer.get("iss") ?? issuer.issuer) !== issuer.issuer) throw new SignInError("This sign-in cannot be used", "Another issuer has answered.", OPERATOR);
  if (answer.has("error")) throw refusal(answer.get("error"), answer.get("error_description"));
  const tokens = await request({ grant_type: "authorization_code", code: answer.get("code"), redirect_uri: home(), code_verifier: flow.verifier });
  const claims = claimsOf(tokens.id_token ?? "");
  if (claims?.nonce !== flow.nonce || claims.iss !== issuer.issuer || ![claims.aud].flat().includes(issuer.client_id)) {
    throw new SignInError("This sign-in cannot be used", "The issuer's ID token does not belong to it.", OPERATOR);
  }
  if (!claimsOf(tokens.access_token ?? "")) {
    throw new SignInError("This sign-in cannot be used", "The issuer's access token is not a JWT.", "The operator of the service must register its API at the issuer, and set BULK_IMPORT_JWT_AUDIENCE or BULK_IMPORT_OIDC_SCOPES.");
  }
  keepTokens(tokens, tokens.id_token);
  return flow.back;
}

let renewing = null;

/** A token that is valid for some time; it is renewed with the refresh token if necessary. */
export async function freshToken() {
  const known = session();
  if (known?.issuer?.refresh && Date.now() > known.issuer.stale - MARGIN) await renew();
  return session()?.token;
}

/** Renew the session; concurrent calls share one request. */
export function renew() {
  const { issuer: { refresh, idToken } } = session();
  renewing ??= request({ grant_type: "refresh_token", refresh_token: refresh })
    .then((tokens) => {
      if (session()?.issuer?.refresh !== refresh) return; // the user signed out meanwhile
      keepTokens({ refresh_token: refresh, ...tokens }, tokens.id_token ?? idToken);
    })
    .finally(() => { renewing = null; });
  return renewing;
}

/** End the session here, and at the issuer if it was made there. */
export function signOut() {
  const idToken = session()?.issuer?.idToken;
  forget();
  const there = idToken && issuer?.end_session_endpoint;
  location.replace(there ? withQuery(there, { id_token_hint: idToken, client_id: issuer.client_id, post_logout_redirect_uri: home() }) : "/");
}

function keepTokens({ access_token: token, refresh_token: refresh, expires_in: seconds, refresh_expires_in: idle }, idToken) {
  const now = Date.now();
  const claims = claimsOf(idToken) ?? {};
  const stale = now + (Number(seconds) || 60) * 1000;
  const ends = Number(idle) ? now + idle * 1000 : null;
  keep(token, { refresh, idToken, stale, ends }, claims.name ?? claims.preferred_username ?? claims.email);
}

async function request(values) {
  let response;
  try {
    response = await fetch(issuer.token_endpoint, { method: "POST", body: new URLSearchParams({ client_id: issuer.client_id, ...values }), redirect: "error" });
  } catch {
    throw new SignInError("The issuer cannot be reached", "There is no connection, or the issuer does not accept requests from this page.", `If it happens again, the operator of the service must allow the origin ${location.origin} at the issuer.`);
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw Object.assign(refusal(body.error ?? `status ${response.status}`, body.error_description), { ended: body.error === "invalid_grant" });
}

function refusal(code, description) {
  return new SignInError("The issuer refused the sign-in", description || `Its reason is “${code}”.`, REMEDIES[code] ?? `Sign in again. ${OPERATOR}`);
}

function withQuery(address, values) {
  const url = new URL(address);
  for (const [name, value] of Object.entries(values)) if (value) url.searchParams.set(name, value);
  return url.href;
}

const secret = () => encoded(crypto.getRandomValues(new Uint8Array(32)));
const encoded = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
