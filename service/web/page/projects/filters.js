// The filters of the list of projects.

import { choice, make, unhurried } from "../shared/dom.js";

const ARCHIVED = [["", "Active"], ["only", "Archived"], ["include", "Active and archived"]];
const FORMATS = [["", "Any format"], ["mspdi", "Microsoft Project"], ["p6", "Primavera P6"], ["native", "Native XML"]];
const WARNINGS = [["", "With or without warnings"], ["some", "With warnings"], ["none", "Without warnings"]];
const DAYS = [["start_from", "Starts from"], ["start_until", "Starts until"], ["finish_from", "Finishes from"], ["finish_until", "Finishes until"]];

/** Whether a filter leaves out projects that the list has by default. */
export const narrowed = (state) => ["text", "source", "archived", "warnings", ...DAYS.map(([name]) => name)].some((name) => state.get(name));

/** The controls. `change` gets the members of the address that the user changes; `refill` shows those of `state`. */
export function filters(state, change) {
  const known = FORMATS.some(([value]) => value === (state.get("source") ?? ""));
  const formats = known ? FORMATS : [...FORMATS, [state.get("source"), state.get("source")]];
  const controls = {
    text: make("input", { type: "search", "aria-label": "Search in names, ids and codes", placeholder: "Search in names, ids and codes", maxlength: "100", input: unhurried(() => change({ text: controls.text.value.trim() }, { replace: true })) }),
    archived: choice(ARCHIVED, { "aria-label": "Which", change: () => change({ archived: controls.archived.value }) }),
    source: choice(formats, { "aria-label": "Format", change: () => change({ source: controls.source.value }) }),
    warnings: choice(WARNINGS, { "aria-label": "Warnings", change: () => change({ warnings: controls.warnings.value }) }),
  };
  for (const [name] of DAYS) controls[name] = make("input", { type: "date", max: "9999-12-31", change: ({ target }) => { if (target.validity.valid) change({ [name]: target.value }); count(); } });
  const days = DAYS.map(([name, label]) => make("label", {}, make("span", { class: "label" }, label), controls[name]));
  const summary = make("summary", { class: "as-button" });
  const menu = make("details", { class: "menu", keydown: (event) => { if (event.key === "Escape") { menu.open = false; summary.focus(); } } }, summary, make("div", { class: "sheet dates" }, days));
  const away = ({ target }) => { if (!menu.isConnected) document.removeEventListener("click", away); else if (!menu.contains(target)) menu.open = false; };
  document.addEventListener("click", away);
  const count = () => { const set = DAYS.filter(([name]) => state.get(name)).length; summary.textContent = set ? `Dates (${set})` : "Dates"; };
  const refill = () => { for (const [name, control] of Object.entries(controls)) control.value = state.get(name) ?? ""; count(); };
  refill();
  return { element: make("div", { class: "finder" }, controls.text, controls.source, controls.archived, controls.warnings, menu), refill };
}
