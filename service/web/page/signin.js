// Asks for a token.

import { ask } from "./api.js";
import { field, make } from "./dom.js";
import { problem } from "./notice.js";
import { clientsOf, forget, keep } from "./token.js";

/** The form; `done` is called once the service has taken the token. */
export function signIn(done, refusal) {
  const token = make("input", {
    type: "password", name: "token", required: true, autocomplete: "off", spellcheck: "false",
    input: () => suggest(),
  });
  const options = make("datalist", { id: "clients" });
  const client = make("input", {
    name: "client", required: true, inputmode: "numeric", pattern: "[0-9]{1,18}", list: "clients", autocomplete: "off",
    title: "a number",
  });
  const state = make("div", {}, refusal ? problem(refusal) : null);
  const go = make("button", { class: "primary" }, "Go on");

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
      if (error.status === 401) return; // the page shows it, with this form anew
      forget();
      state.replaceChildren(problem(error));
      go.disabled = false;
    }
  }

  return make("form", { class: "card narrow", submit },
    make("h1", {}, "Sign in"), state,
    field("Token", token, "A JWT, from whoever runs this service. It is kept for this tab only, and is gone when you close it."),
    field("Client", client, "Its number; filled in where the token names it."), options,
    make("div", { class: "actions" }, go));
}
