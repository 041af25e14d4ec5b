// The page: selects the view by the address, and signs the user in.

import { confirmed } from "./confirm.js";
import { imports } from "../imports/imports.js";
import { oneImport } from "../imports/import.js";
import { loading, problem } from "./notice.js";
import { oneProject } from "../projects/project.js";
import { portfolio } from "../projects/portfolio.js";
import { projects } from "../projects/projects.js";
import { underWay, uploads } from "../sending/uploads.js";
import { account } from "../session/account.js";
import { watchSession } from "../session/ending.js";
import { finishSignIn, signOut, takeAnswer } from "../session/issuer.js";
import { chooseClient, signIn, verify } from "../session/signin.js";
import { choose, forget, may, session } from "../session/token.js";

const VIEWS = [
  [/^#\/imports(?:\?(.*))?$/, "History", imports],
  [/^#\/imports\/(\d+)$/, "Import", oneImport],
  [/^#\/projects(?:\?(.*))?$/, "Projects", projects],
  [/^#\/checks$/, "Checks", portfolio],
  [/^#\/projects\/(\d+)(?:\/versions\/(\d+))?(?:\?compare=(\d+|baseline))?$/, "Project", oneProject],
  [/^/, "Import files", uploads],
];

const main = document.querySelector("#main");
const nav = document.querySelector("nav");
const who = document.querySelector(".who");
let leaving = new AbortController();
let asked = false; // whether the user agreed to interrupt an upload

const watch = watchSession(document.querySelector(".ending-place"), {
  ended: (end) => { forget(); route({ ended: end }); },
  again: () => enter(signIn(() => route())),
});

/** Show the view of the address, or what is missing for it: a session, or its client. */
function route(why) {
  leaving.abort();
  leaving = new AbortController();
  const known = session();
  nav.hidden = who.hidden = !known?.client;
  if (watch()) return undefined;
  if (!known) return enter(signIn(() => route(), why));
  if (!known.client) return enter(chooseClient(() => route()));
  const hash = location.hash || "#/";
  const [pattern, title, view] = viewOf(hash);
  document.title = `${title} · Project Bulk Import`;
  for (const link of nav.children) {
    const at = link.hash;
    const current = at === "#/" ? view === uploads : hash === at || hash.startsWith(`${at}/`) || hash.startsWith(`${at}?`) || (at === "#/imports" && view === imports);
    link.hidden = at === "#/" && !may("import");
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  who.replaceChildren(account({ picked, leave }));
  try {
    main.replaceChildren(view({ signal: leaving.signal, given: pattern.exec(hash).slice(1) }));
  } catch (error) {
    main.replaceChildren(problem(error));
  }
  return undefined;
}

/** The entry of VIEWS for an address. Without the permission to import, the history is the first view. */
function viewOf(hash) {
  const found = VIEWS.find(([each]) => each.test(hash));
  return found[2] === uploads && !may("import") ? [found[0], ...VIEWS[0].slice(1)] : found;
}

/** Show a card of signing in. */
function enter(card) {
  document.title = `${card.querySelector("h1").textContent} · Project Bulk Import`;
  main.replaceChildren(card);
  card.querySelector("button.primary, input")?.focus();
}

/** Use another client. The page starts again, so that nothing of the last client stays. */
async function picked(client) {
  if (!(await mayInterrupt("Change the client"))) return;
  choose(client);
  if (/\d/.test(location.hash)) history.replaceState(null, "", "#/");
  location.reload();
}

async function leave() {
  if (await mayInterrupt("Sign out")) signOut();
}

/** Whether no upload runs, or the user agrees to interrupt it. */
async function mayInterrupt(action) {
  if (!underWay()) return true;
  asked = await confirmed(`${action} now?`, "An upload is running. It is interrupted; projects that are already imported stay.", action);
  return asked;
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
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && !session()) location.reload(); // the back button after signing out
});
addEventListener("beforeunload", (event) => {
  if (underWay() && !asked) event.preventDefault();
});
// Without this, a file that is dropped outside the drop area would replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());

/** Start the page: with the issuer's answer, if the address has it. */
async function start() {
  const answer = takeAnswer();
  if (!answer) return route();
  main.replaceChildren(loading());
  try {
    const back = await finishSignIn(answer);
    await verify();
    return back.startsWith("/docs") && session().client ? location.replace(back) : route();
  } catch (error) {
    if (error.status === 401) return undefined; // the event "refused" has shown it
    forget();
    return route(error);
  }
}

start();
