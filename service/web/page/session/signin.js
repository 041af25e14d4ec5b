// The form for a token.

import { ask } from "../shared/api.js";
import { field, make } from "../shared/dom.js";
import { problem } from "../shared/notice.js";
import { clientsOf, forget, keep } from "./token.js";

/** The form. Calls `done` after the service accepted the token. */
export function signIn(done, refusal) {
  const token = make("input", {
    type: "password", name: "token", required: true, autocomplete: "off", spellcheck: "false",
    input: () => suggest(),
  });
  const options = make("datalist", { id: "clients" });
  const client = make("input", {
    name: "client", required: true, inputmode: "numeric", pattern: "[0-9]{1,18}", list: "clients", autocomplete: "off",
    title: "A number",
  });
  const state = make("div", {}, refusal ? problem(refusal) : null);
  const go = make("button", { class: "primary" }, "Sign in");

  function suggest() {
    const named = clientsOf(token.value.trim());
    options.replaceChildren(...named.map((value) => make("option", { value })));
    if (named.length) client.value = named[0];
  }

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    keep(token.value.trim().replace(/^bearer\s+/i, ""), client.value.trim());
    try {
      await ask("imports?limit=1");
      done();
    } catch (error) {
      if (error.status === 401) return; // the page shows the error with a new form
      forget();
      state.replaceChildren(problem(error));
      go.disabled = false;
    }
  }

  return make("form", { class: "card narrow", submit },
    make("h1", {}, "Sign in"), state,
    field("Token", token, "A JWT from the operator of this service. This tab keeps it until you close the tab."),
    field("Client", client, "The number of the client. The page fills it in if the token names it."), options,
    make("div", { class: "actions" }, go));
}
