// Comparing two kept versions of a project, or one with its baseline.

import { ask } from "../shared/api.js";
import { button, choice, make } from "../shared/dom.js";
import { number } from "../shared/format.js";
import { hint, shown } from "../shared/notice.js";
import { inSteps } from "../shared/lists.js";

const BASELINE = "baseline";
const STEP = 50; // records that are shown at first
const NAMES = {
  project: "The project itself", tasks: "Tasks", dependencies: "Links", resources: "Resources",
  assignments: "Assignments", baselines: "Baselines", baseline_tasks: "Tasks of baselines", parts: "Other parts",
  shared_objects: "Shared objects",
};

/**
 * The choice of what to compare; null if there is nothing. `versions` begins with the oldest. `compared` is called with
 * each comparison, and with null when the user ends it; what it returns is shown below the choice. `against` is what the
 * address asks to compare with: the number of a version, or "baseline".
 */
export function comparing({ project_id: id, baselines, version: current }, versions, against, signal, compared) {
  const planned = baselines.some(({ current: is }) => is);
  if (!planned && versions.length < 2) return null;
  const pairs = versions.map(({ version, label }) => [version, `version ${version}${label ? ` (${label})` : ""}`]);
  const from = choice(planned ? [...pairs, [BASELINE, "its baseline"]] : pairs, { "aria-label": "From" });
  const to = choice(pairs, { "aria-label": "To" });
  to.value = current;
  from.value = versions.filter(({ version }) => version < current).at(-1)?.version ?? (planned ? BASELINE : versions[0].version);
  const place = make("div");
  const before = location.hash.replace(/\?.*/, "");
  const end = button("End comparison", () => { end.hidden = true; history.replaceState(null, "", before); place.replaceChildren(); compared(null); }, { hidden: true });
  const compare = () => shown(place, () => ask(`projects/${id}/versions/${to.value}?${from.value === BASELINE ? "against=baseline" : `compare=${from.value}`}`, { signal })
    .then((found) => { end.hidden = false; history.replaceState(null, "", `#/projects/${id}/versions/${found.to}?compare=${found.baseline ? BASELINE : found.from}`); return compared(found); }), signal);
  if ([...from.options].some(({ value }) => value === against)) {
    from.value = against;
    compare();
  } else if (against) place.append(hint(`There is no ${against === BASELINE ? "current baseline" : `version ${against} any more`} to compare with.`, "warn"));
  return make("section", { "aria-label": "Compare" },
    make("div", { class: "finder compare" }, make("span", {}, "What changed from"), from, make("span", {}, "to"), to, button("Compare", compare, { class: "primary" }), end), place);
}

/** The names of both sides. */
export function sides({ from, to, baseline }) {
  return { from: baseline ? `baseline ${baseline.name ?? baseline.number}` : `version ${number(from)}`, to: `version ${number(to)}` };
}

const changedKinds = (comparison) => Object.keys(NAMES).filter((kind) => comparison[kind]?.length);

/** The text for a comparison without differences; null if it has some. */
export function equal(comparison) {
  if (changedKinds(comparison).length) return null;
  const { from, to } = sides(comparison);
  return make("p", { class: "empty card" }, comparison.baseline ? `The tasks of ${to} are as in its ${from}.` : `Versions ${number(comparison.from)} and ${number(comparison.to)} are equal.`);
}

/** The records that differ, by kind, folded. */
export function records(comparison) {
  const kinds = changedKinds(comparison);
  return kinds.length ? [make("h2", {}, "Records that changed"), kinds.map((kind) => {
    const list = make("ul", { class: "changes" });
    const more = make("div");
    const fill = () => { if (!list.children.length) more.replaceChildren(inSteps(list, comparison[kind], change, STEP)); };
    return make("details", { class: "group", toggle: fill }, make("summary", {}, `${NAMES[kind]}: ${counted(comparison[kind])}`), list, more);
  })].flat() : [];
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
