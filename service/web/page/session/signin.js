// The card for signing in, and the card for choosing a client.

import { ask } from "../shared/api.js";
import { button, field, make } from "../shared/dom.js";
import { moment } from "../shared/format.js";
import { hint, notice, problem } from "../shared/notice.js";
import { SignInError, issuer, leaveForIssuer, signOut } from "./issuer.js";
import { choose, clientsOf, configuration, forget, keep, session } from "./token.js";

/**
 * The card. `done` is called after a token was accepted. `why` says why the card is shown: an error, {ended} with the
 * end of the last session, or nothing.
 */
export function signIn(done, why) {
  const state = make("div", { class: "state" }, reason(why));
  return make("section", { class: "card narrow", "aria-labelledby": "sign-in" },
    make("h1", { id: "sign-in" }, "Sign in"), state,
    issuer ? [withIssuer(state, why), make("details", { class: "other-way" }, make("summary", {}, "Use a token instead"), withToken(state, done, ""))]
      : withToken(state, done, "primary"));
}

function reason(why) {
  if (!why) return null;
  if (why.ended) return hint(`Your session ended on ${moment(why.ended)}. Sign in again to return to where you were.`, "warn");
  return failure(why);
}

/** A notice for an error of the issuer or of the service. */
export const failure = (error) => (error instanceof SignInError ? notice(error.title, error.message, error.remedy) : problem(error));

function withIssuer(state, why) {
  const again = why && !why.ended; // the issuer would remember the account that was refused
  const go = button(again ? "Sign in with another account" : "Sign in", async () => {
    go.disabled = true;
    try {
      await leaveForIssuer(again ? "login" : null);
    } catch (error) {
      state.replaceChildren(failure(error));
      go.disabled = false;
    }
  }, { class: "primary wide" });
  return [make("p", { class: "quiet" }, "Import the plans of Primavera P6 and Microsoft Project with your account at ", make("strong", {}, new URL(issuer.issuer).host), "."), make("div", { class: "actions" }, go)];
}

function withToken(state, done, kind) {
  const token = make("input", { type: "password", name: "token", required: true, autocomplete: "off", spellcheck: "false" });
  const go = make("button", { class: kind }, issuer ? "Sign in with the token" : "Sign in");

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    forget();
    keep(token.value.trim().replace(/^bearer\s+/i, ""));
    try {
      await verify();
      done();
    } catch (error) {
      if (error.status === 401) return; // the page shows the error with a new card
      forget();
      state.replaceChildren(failure(error));
      go.disabled = false;
    }
  }

  return make("form", { submit },
    field("Token", token, "The text that the operator of this service gave you. This tab keeps it until you close the tab."),
    make("div", { class: "actions" }, go));
}

/** Let the service check a new session. A client that is not chosen yet is checked when it is. */
export async function verify() {
  const { token, client, name, subject } = session();
  if (client) return ask("imports?limit=1");
  if (clientsOf(token).length) return null;
  try {
    return await ask("/api/v2/clients/0/imports?limit=1"); // the service says what is wrong with the token
  } catch (error) {
    if (error.status !== 403) throw error;
    const who = name || subject ? `You signed in as ${name || subject}. ` : "";
    throw new SignInError("There is no client for you", `${who}The token names no client: its claim “${configuration.clients_claim}” is empty or missing.`, "Ask the operator of the service to add your client.");
  }
}

/** The card for a token with several clients, or with all. */
export function chooseClient(done) {
  const state = make("div", { class: "state" });
  const listed = clientsOf(session().token).filter((each) => each !== "*");
  const pick = async (client) => {
    choose(client);
    try {
      await ask("imports?limit=1");
      done();
    } catch (error) {
      if (error.status === 401) return;
      choose("");
      state.replaceChildren(problem(error));
    }
  };
  return make("section", { class: "card narrow", "aria-labelledby": "choose" },
    make("h1", { id: "choose" }, "Choose a client"), state,
    make("p", { class: "quiet" }, listed.length ? "Your account has several clients. You can change the client later, at the top of the page." : "Your account can use every client. You can change the client later, at the top of the page."),
    listed.length ? clientList(listed, pick) : clientNumber(pick, "Continue", "primary"),
    make("div", { class: "other-way" }, button("Sign out", signOut, { class: "plain" })));
}

/** A button for each client. */
export function clientList(clients, pick, current = "") {
  return make("ul", { class: "clients" }, clients.map((client) => make("li", {},
    button(`Client ${client}`, () => pick(client), client === current ? { "aria-current": "true" } : {}))));
}

/** A field for the number of a client. */
export function clientNumber(pick, label, kind = "", value = "") {
  const input = make("input", { name: "client", required: true, inputmode: "numeric", pattern: "[0-9]{1,18}", autocomplete: "off", title: "A number", value });
  const submit = (event) => { event.preventDefault(); pick(input.value.trim()); };
  return make("form", { class: "client-number", submit }, field("Client", input, "The number of the client."), make("button", { class: kind }, label));
}
