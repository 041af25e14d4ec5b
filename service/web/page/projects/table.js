// The table of projects, sorted by a column.

import { button, choice, make } from "../shared/dom.js";
import { day, format, moment, number, planTime, several } from "../shared/format.js";
import { fetchedInSteps, table } from "../shared/lists.js";
import { loading } from "../shared/notice.js";
import { may } from "../session/token.js";

/** The columns: heading, the server's key, and whether the first click puts the largest values first. */
const COLUMNS = [["Project", "title"], ["Start", "start"], ["Finish", "finish"], ["Progress", "progress", true], ["Tasks", "tasks", true], ["Warnings", "warnings", true], ["Updated", "updated_at", true]];
const HEADS = COLUMNS.map(([head]) => head);
const ORDERS = [["-updated_at", "Latest update"], ["title", "Name"], ["start", "Start"], ["finish", "Finish"], ["-finish", "Latest finish"], ["-progress", "Most progress"], ["progress", "Least progress"], ["-tasks", "Most tasks"], ["-warnings", "Most warnings"]];
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i; // the id of a plan of Microsoft Project says nothing to people

/** Show the projects of a query. `change` gets the order that the user asks for. What is there stays until they have arrived. */
export async function projectTable(place, query, { signal, change, narrowed, clear }) {
  const sort = query.get("sort");
  const { element, body, row } = table(HEADS, "Projects", { class: "sorted" });
  COLUMNS.forEach((column, at) => head(element.tHead.rows[0].cells[at], column, sort, (order) => change({ sort: order })));
  const shown = make("p", { class: "quiet", role: "status" });
  const count = () => { if (body.children.length) shown.textContent = `Showing ${several(body.children.length, "project")}`; };
  if (!place.querySelector("table")) place.replaceChildren(loading());
  place.setAttribute("aria-busy", "true");
  const { rest, ready } = fetchedInSteps(body, `projects?limit=100&${query}`, "projects", (each) => { queueMicrotask(count); return row(cells(each)); }, {
    signal, empty: emptiness(narrowed, clear),
  });
  await ready;
  if (signal.aborted) return;
  const held = [...place.querySelectorAll("th button")].indexOf(document.activeElement);
  place.setAttribute("aria-busy", "false");
  place.replaceChildren(make("div", { class: "above" }, shown, orders(sort, change)), element, rest);
  if (held >= 0) element.querySelectorAll("th button")[held].focus();
}

/** What an empty list says. */
export function emptiness(narrowed, clear) {
  if (narrowed) return ["No project matches.", make("br"), button("Clear the filters", clear, { class: "more" })];
  const text = "There are no projects here yet.";
  return may("import") ? [text, make("br"), make("a", { class: "as-button more", href: "#/" }, "Import files")] : text;
}

function head(cell, [label, key, largest], sort, change) {
  const descending = sort === `-${key}`;
  const current = descending || sort === key;
  if (current) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const next = (current ? descending : !largest) ? key : `-${key}`;
  cell.replaceChildren(button(label, () => change(next)));
}

/** On a phone, whose rows are cards, a select has the order. */
function orders(sort, change) {
  const pairs = ORDERS.some(([value]) => value === sort) ? ORDERS : [...ORDERS, [sort, "Another order"]];
  const select = choice(pairs, { class: "orders", "aria-label": "Order", change: () => change({ sort: select.value }) });
  select.value = sort;
  return select;
}

function cells(project) {
  const { project_id: id, title, start, finish, progress, tasks, version, updated_at: at, updated_by: by, import_id: of } = project;
  return [
    [make("a", { class: "name", href: `#/projects/${id}` }, title), make("span", { class: "quiet" }, facts(project)), badges(project)],
    date(start), date(finish), share(progress), tasks === null ? "" : number(tasks), warned(project),
    [make("span", { class: "date" }, moment(at)), make("span", { class: "quiet" }, version > 1 ? `version ${number(version)}, ` : "", of ? make("a", { href: `#/imports/${of}` }, `import ${of}`) : "", by ? ` by ${by}` : "")],
  ];
}

const date = (text) => (text ? make("span", { class: "date" }, day(planTime(text))) : "");

function share(progress) {
  return progress === null ? "" : make("span", { class: "share" }, make("progress", { max: 100, value: progress, "aria-hidden": "true" }), `${number(Math.round(progress))} %`);
}

/** The number of warnings, which the import lists. */
function warned({ warnings, import_id: of }) {
  if (!warnings) return warnings === 0 ? make("span", { class: "quiet" }, "0") : "";
  return of ? make("a", { class: "badge interrupted", href: `#/imports/${of}` }, number(warnings)) : make("span", { class: "badge interrupted" }, number(warnings));
}

/** What identifies a project besides its title. */
function facts({ title, name, external_id: id, code, source, status }) {
  return [...new Set([GUID.test(id) ? null : id, name, code].filter((text) => text && text !== title)), format(source), status].filter(Boolean).join(" · ");
}

function badges({ archived_at: archived, lock }) {
  const found = [archived ? make("span", { class: "badge" }, "archived") : null, lock ? make("span", { class: "badge interrupted", title: `until ${moment(lock.expires_at)}` }, `locked by ${lock.holder}`) : null].filter(Boolean);
  return found.length ? make("div", { class: "badges" }, found) : null;
}
