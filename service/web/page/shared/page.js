// The page: selects the view by the address, and shows whose token it uses.

import { button, make } from "./dom.js";
import { imports } from "../imports/imports.js";
import { oneImport } from "../imports/import.js";
import { problem } from "./notice.js";
import { oneProject } from "../projects/project.js";
import { portfolio } from "../projects/portfolio.js";
import { projects } from "../projects/projects.js";
import { underWay, uploads } from "../sending/uploads.js";
import { signIn } from "../session/signin.js";
import { forget, session } from "../session/token.js";

const VIEWS = [
  [/^#\/imports$/, "History", imports],
  [/^#\/imports\/(\d+)$/, "Import", oneImport],
  [/^#\/projects$/, "Projects", projects],
  [/^#\/checks$/, "Checks", portfolio],
  [/^#\/projects\/(\d+)(?:\/versions\/(\d+))?$/, "Project", oneProject],
  [/^/, "Import files", uploads],
];

const main = document.querySelector("#main");
const nav = document.querySelector("nav");
const who = document.querySelector(".who");
let leaving = new AbortController();

/** Show the view of the address, or the form for a token. */
function route(refusal) {
  leaving.abort();
  leaving = new AbortController();
  const known = session();
  nav.hidden = who.hidden = !known;
  if (!known) {
    document.title = "Sign in · Project Bulk Import";
    main.replaceChildren(signIn(() => route(), refusal));
    main.querySelector("input").focus();
    return;
  }
  const hash = location.hash || "#/";
  const [pattern, title, view] = VIEWS.find(([each]) => each.test(hash));
  document.title = `${title} · Project Bulk Import`;
  for (const link of nav.children) {
    const at = link.hash;
    const current = at === "#/" ? view === uploads : hash === at || hash.startsWith(`${at}/`);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showUser(known);
  try {
    main.replaceChildren(view({ signal: leaving.signal, given: pattern.exec(hash).slice(1) }));
  } catch (error) {
    main.replaceChildren(problem(error));
  }
}

function showUser({ subject, client, expires }) {
  const until = expires ? ` · until ${new Date(expires * 1000).toLocaleTimeString("en-GB", { timeStyle: "short" })}` : "";
  who.replaceChildren(
    make("span", { class: "whom" }, `${subject ? `${subject} · ` : ""}client ${client}`, make("span", { class: "until" }, until)),
    button("Other token", () => { forget(); route(); }, { class: "plain" }),
  );
}

addEventListener("hashchange", () => {
  if (location.hash === "#main") return;
  route();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
addEventListener("refused", ({ detail }) => {
  if (!session()) return;
  forget();
  route(detail);
});
addEventListener("beforeunload", (event) => {
  if (underWay()) event.preventDefault();
});
// Without this, a file that is dropped outside the drop area would replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());

route();
