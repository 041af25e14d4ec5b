// The menu of the user: who is signed in, for which client, until when, and what the token allows.

import { button, make } from "../shared/dom.js";
import { moment } from "../shared/format.js";
import { clientList, clientNumber } from "./signin.js";
import { ACTIONS, clientsOf, endOf, may, session } from "./token.js";

/** The menu. `picked` is called with another client, `leave` when the user signs out. */
export function account({ picked, leave }) {
  const { token, client, name, subject, issuer } = session();
  const user = name || subject;
  const end = endOf(session());
  const allowed = Object.keys(ACTIONS).filter(may).map((each) => ACTIONS[each]);
  const facts = [
    ["Signed in as", user || "a token without a name"],
    ["Session", end ? ["until ", make("span", { class: "until" }, moment(end))] : issuer ? "until you sign out, or the issuer ends it" : ""],
    ["You can", allowed.join(", ") || "nothing"],
  ].filter(([, value]) => value);
  const menu = make("details", { class: "account" },
    make("summary", {}, user ? make("span", { class: "whom" }, user) : null, make("span", { class: "for-client" }, `client ${client}`)),
    make("div", { class: "account-menu" },
      make("dl", {}, facts.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value)))),
      clients(clientsOf(token), client, picked),
      button("Sign out", leave)));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", ({ relatedTarget: to }) => { if (to && !menu.contains(to)) menu.open = false; });
  return menu;
}

function clients(named, current, picked) {
  if (named.includes("*")) return clientNumber(picked, "Change the client", "", current);
  if (named.length < 2) return null;
  return [make("h2", {}, "Client"), clientList(named, picked, current)];
}

addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll(".account[open]")) if (!menu.contains(target)) menu.open = false;
});
