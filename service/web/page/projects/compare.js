// The kept versions of a project, and the changes between two of them, or from the baseline.

import { ask } from "../shared/api.js";
import { button, choice, make } from "../shared/dom.js";
import { moment, number } from "../shared/format.js";
import { shown } from "../shared/notice.js";
import { inSteps, table } from "../shared/lists.js";
import { summarised } from "./summary.js";

const HEADS = ["Version", "Name", "Created", "By", "Notes"];
const BASELINE = "baseline";
const NAMES = {
  project: "The project itself", tasks: "Tasks", dependencies: "Links", resources: "Resources",
  assignments: "Assignments", baselines: "Baselines", baseline_tasks: "Tasks of baselines", parts: "Other parts",
  shared_objects: "Shared objects",
};

/** The section of a project. `versions` begins with the oldest. `compared` is called with each comparison. */
export function comparison({ project_id: id, baselines }, versions, signal, compared) {
  const planned = baselines.some(({ current }) => current);
  const { element, body, row } = table(HEADS, "Versions");
  body.append(...[...versions].reverse().map((each) => row(cells(id, each))));
  return [make("h2", {}, "Versions"), element, planned || versions.length > 1 ? chooser(id, versions, planned, signal, compared) : make("p", { class: "quiet" }, "Only one version is kept, so there is nothing to compare.")];
}

function cells(project, { version, current, label, name, updated_at: at, updated_by: by, import_id: id, notes }) {
  return [
    [make("a", { href: current ? `#/projects/${project}` : `#/projects/${project}/versions/${version}` }, number(version)), " ", current ? make("span", { class: "badge completed" }, "current") : null, label ? [" ", make("span", { class: "badge" }, label)] : null],
    name, moment(at), [`${by} `, id ? make("a", { href: `#/imports/${id}` }, `import ${id}`) : null], notes ?? "",
  ];
}

function chooser(id, versions, planned, signal, compared) {
  const pairs = versions.map(({ version }) => [version, `version ${version}`]);
  const from = choice(planned ? [...pairs, [BASELINE, "its baseline"]] : pairs, { "aria-label": "From" });
  const to = choice(pairs, { "aria-label": "To" });
  from.value = versions.at(-2)?.version ?? BASELINE;
  to.value = versions.at(-1).version;
  const place = make("div");
  const compare = () => shown(place, ask(`projects/${id}/versions/${to.value}?${from.value === BASELINE ? "against=baseline" : `compare=${from.value}`}`, { signal }).then((found) => { compared(found); return changes(found); }), signal);
  return make("div", {}, make("h3", {}, "What changed"),
    make("div", { class: "finder" }, make("span", {}, "from"), from, make("span", {}, "to"), to, button("Compare", compare, { class: "primary" })), place);
}

function changes(comparison) {
  const kinds = Object.keys(NAMES).filter((kind) => comparison[kind]?.length);
  if (!kinds.length) return [make("p", { class: "empty" }, comparison.baseline ? `The tasks of version ${comparison.to} are as in its baseline.` : `Versions ${comparison.from} and ${comparison.to} are equal.`)];
  return [summarised(comparison.summary), ...kinds.map((kind, place) => {
    const list = make("ul", { class: "changes" });
    const more = inSteps(list, comparison[kind], change);
    return make("details", { class: "group", open: place < 3 }, make("summary", {}, `${NAMES[kind]}: ${counted(comparison[kind])}`), list, more);
  })];
}

function counted(items) {
  const counts = {};
  for (const each of items) counts[each.change] = (counts[each.change] ?? 0) + 1;
  return Object.entries(counts).map(([kind, count]) => `${number(count)} ${kind}`).join(", ");
}

function change({ change: kind, fields = {}, attributes = {}, ...identity }) {
  const moved = [...Object.entries(fields), ...Object.entries(attributes)];
  return make("li", {}, make("span", { class: `badge ${kind}` }, kind), " ", make("span", { class: "name" }, called(identity)),
    moved.length ? make("dl", { class: "moved" }, moved.map(([name, { from, to }]) => make("div", {},
      make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, make("del", {}, value(from)), " → ", make("ins", {}, value(to)))))) : null);
}

function called({ name, task_id: task, resource_id: resource, predecessor_id: before, successor_id: after, type, element, object_id: object, ...named }) {
  if (before) return `${named.predecessor_name ?? before} → ${named.successor_name ?? after} (${type})`;
  if (named.task_name) return `${named.resource_name ?? resource ?? "no resource"} on ${named.task_name}`;
  if (name) return `${name}${task ?? resource ? ` (${task ?? resource})` : ""}`;
  return [element, object, task && `task ${task}`, resource && `resource ${resource}`].filter(Boolean).join(" ") || "";
}

function value(each) {
  if (each === null || each === undefined) return "nothing";
  const text = typeof each === "string" ? each.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):00$/, "$1 $2") : JSON.stringify(each);
  return text.length > 200 ? `${text.slice(0, 200)} …` : text;
}
