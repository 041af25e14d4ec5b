// The list of the client's projects.

import { choice, make, unhurried } from "../shared/dom.js";
import { format, moment, number } from "../shared/format.js";
import { fetchedInSteps, table } from "../shared/lists.js";

const HEADS = ["Project", "Code", "Format", "Version", "Changed"];
const ARCHIVED = [["exclude", "active"], ["only", "archived"], ["include", "active and archived"]];

export function projects({ signal }) {
  const text = make("input", { type: "search", "aria-label": "Search in names, ids and codes", placeholder: "Search in names, ids and codes", maxlength: "100", input: unhurried(() => load()) });
  const archived = choice(ARCHIVED, { "aria-label": "Which", change: () => load() });
  const place = make("div");
  let loading = new AbortController();

  function load() {
    loading.abort();
    loading = new AbortController();
    const query = new URLSearchParams({ limit: 100, archived: archived.value });
    if (text.value.trim()) query.set("text", text.value.trim());
    const { element, body, row } = table(HEADS, "Projects");
    const { rest } = fetchedInSteps(body, `projects?${query}`, "projects", (each) => row(cells(each)), {
      signal: AbortSignal.any([signal, loading.signal]),
      empty: text.value ? "No project matches." : "There are no projects here yet.",
    });
    place.replaceChildren(element, rest);
  }

  load();
  return make("div", {}, make("h1", {}, "Projects"), make("div", { class: "finder" }, text, archived), place);
}

function cells({ project_id: project, name, external_id: id, code, source, version, updated_at: at, updated_by: by, archived_at: archived, lock }) {
  return [
    [make("a", { class: "name", href: `#/projects/${project}` }, name || id), id === name ? null : make("span", { class: "quiet id" }, id)],
    code ?? "", format(source), number(version),
    [moment(at), make("span", { class: "quiet" }, by), archived ? make("span", { class: "badge" }, "archived") : null, lock ? make("span", { class: "badge failed" }, `locked by ${lock.holder}`) : null],
  ];
}
