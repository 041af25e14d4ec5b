// The schedule checks of all projects: one row each, filled while the answers arrive.

import { ask } from "../shared/api.js";
import { make, unhurried } from "../shared/dom.js";
import { fetchedInSteps, table } from "../shared/lists.js";
import { badge, LABELS } from "./checks.js";
import { several } from "../shared/format.js";
import { problem } from "../shared/notice.js";

const AT_ONCE = 2; // the service checks few projects of a client at the same time

export function portfolio({ signal }) {
  const text = make("input", { type: "search", "aria-label": "Search in names, ids and codes", placeholder: "Search in names, ids and codes", maxlength: "100", input: unhurried(() => load()) });
  const place = make("div");
  let loading = new AbortController();

  function load() {
    loading.abort();
    loading = new AbortController();
    const stop = AbortSignal.any([signal, loading.signal]);
    const query = new URLSearchParams({ limit: 50 });
    if (text.value.trim()) query.set("text", text.value.trim());
    const inTurn = queue(AT_ONCE);
    const { element, body, row } = table(["Project", "Failed", "Passed", "Failed checks"], "Checks of all projects");
    const { rest } = fetchedInSteps(body, `projects?${query}`, "projects", (project) => {
      const made = row([make("a", { class: "name", href: `#/projects/${project.project_id}` }, project.title || project.external_id), "…", "", ""]);
      inTurn(() => fill(made, project.project_id, stop));
      return made;
    }, { signal: stop, empty: text.value ? "No project matches." : "There are no projects here yet." });
    place.replaceChildren(element, rest);
  }

  load();
  return make("div", {}, make("h1", {}, "Schedule checks"), make("div", { class: "finder" }, text), place);
}

async function fill(row, id, signal) {
  if (signal.aborted) return;
  const [, failed, passed, names] = row.children;
  try {
    const { checks } = await ask(`projects/${id}/checks?limit=1`, { signal });
    const bad = checks.filter((check) => check.passed === false);
    failed.replaceChildren(bad.length ? make("span", { class: "count failed" }, several(bad.length, "check")) : badge({ passed: true }));
    passed.textContent = String(checks.filter((check) => check.passed).length);
    names.textContent = bad.map(({ name, findings }) => `${LABELS[name] ?? name} (${findings})`).join(", ");
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted) failed.replaceChildren(problem(error));
  }
}

/** Run tasks in their order, a few at the same time. */
function queue(most) {
  const waiting = [];
  let running = 0;
  const begin = async () => {
    if (running >= most || !waiting.length) return;
    running += 1;
    await waiting.shift()();
    running -= 1;
    begin();
  };
  return (task) => { waiting.push(task); begin(); };
}
