// The client's projects, as a table or on one timeline. The address has the order, the filters and the view.

import { make } from "../shared/dom.js";
import { filters, narrowed } from "./filters.js";
import { projectTable } from "./table.js";
import { projectTimeline } from "./overview.js";

const VIEWS = [["", "Table", projectTable], ["timeline", "Timeline", projectTimeline]];
const OTHER = ["view", "sort"]; // members of the address that do not narrow the list
export const ORDER = "-updated_at";

export function projects({ signal, given: [query] }) {
  const state = new URLSearchParams(query ?? "");
  const place = make("div");
  let loading = new AbortController();

  /** Set members of the address; empty ones are omitted. Back returns to the state before. */
  function change(members, { replace = false } = {}) {
    if (signal.aborted) return; // the user left while a search was waiting
    for (const [name, value] of Object.entries(members)) {
      if (value) state.set(name, value);
      else state.delete(name);
    }
    history[replace ? "replaceState" : "pushState"](null, "", `#/projects${state.size ? `?${state}` : ""}`);
    load();
  }

  function load() {
    loading.abort();
    loading = new AbortController();
    const [, , view] = VIEWS.find(([name]) => name === (state.get("view") ?? "")) ?? VIEWS[0];
    const path = new URLSearchParams([...state].filter(([name]) => name !== "view"));
    if (!path.has("sort")) path.set("sort", ORDER);
    draw();
    view(place, path, { signal: AbortSignal.any([signal, loading.signal]), change, narrowed: narrowed(state), clear });
  }

  function clear() {
    const names = [...state.keys()].filter((name) => !OTHER.includes(name));
    change(Object.fromEntries(names.map((name) => [name, ""])));
    controls.refill();
    controls.element.querySelector("input").focus();
  }

  const controls = filters(state, change);
  const tabs = VIEWS.map(([name, label]) => make("button", { type: "button", click: () => change({ view: name }) }, label));
  const draw = () => tabs.forEach((tab, at) => tab.setAttribute("aria-pressed", String(VIEWS[at][0] === (state.get("view") ?? ""))));
  load();
  return make("div", { class: "project projects" },
    make("div", { class: "topline" }, make("h1", {}, "Projects"), make("div", { class: "joined switch", role: "group", "aria-label": "View" }, tabs)),
    controls.element, place);
}
