// The schedule checks of one project, and what each of them found.

import { ask } from "../shared/api.js";
import { button, make } from "../shared/dom.js";
import { number, several } from "../shared/format.js";
import { problem, shown } from "../shared/notice.js";
import { table } from "../shared/lists.js";

export const LABELS = {
  open_ends: "Open ends", leads: "Leads", lags: "Lags", relationship_types: "Links from finish to start",
  hard_constraints: "Hard constraints", high_float: "High float", negative_float: "Negative float",
  high_duration: "Long tasks", invalid_dates: "Invalid dates", missing_resources: "Missing resources",
  missed_tasks: "Missed tasks", critical_path_test: "Critical path test", cpli: "Critical path length index",
  bei: "Baseline execution index",
};
const AT_LEAST = new Set(["relationship_types", "cpli", "bei"]);

const MANY = 10_000; // tasks from which the checks take the database seconds, so that they wait for a click

/** The section of a project at its current version. */
export function projectChecks({ project_id: id, tasks }, signal) {
  const place = make("div");
  const load = () => shown(place, () => ask(`projects/${id}/checks`, { signal }).then(({ checks }) => draw(checks, signal)), signal);
  if (tasks.length < MANY) load();
  else place.append(button("Check the schedule", load));
  return make("section", { "aria-label": "Checks" }, make("h2", {}, "Schedule checks"), place);
}

function draw(checks, signal) {
  const { element, body, row } = table(["Check", "Result", "Found", "Share", "Threshold"], "Schedule checks", { class: "checks" });
  body.append(...checks.map((check) => row([
    [LABELS[check.name] ?? check.name, findings(check, signal)],
    check.not_computed ? make("span", { class: "quiet" }, check.not_computed) : badge(check),
    check.not_computed ? "" : number(check.findings),
    check.not_computed ? "" : `${number(check.count)} of ${number(check.total)} (${percent(check.percentage)})`,
    check.threshold === null ? "" : `at ${AT_LEAST.has(check.name) ? "least" : "most"} ${percent(check.threshold)}`,
  ])));
  return element;
}

const percent = (value) => `${number(value)} %`;

/** The result in one word: it depends on no colour. */
export function badge({ passed, not_computed: lacks }) {
  if (passed === true) return make("span", { class: "badge completed" }, "passed");
  if (passed === false) return make("span", { class: "badge failed" }, "failed");
  return make("span", { class: "badge" }, lacks ? "not computed" : "no threshold");
}

function findings(check, signal) {
  if (!check.findings) return null;
  const list = make("ul");
  const more = button("Show more", () => add(), { class: "more" });
  let { next } = check;
  const show = (tasks) => { list.append(...tasks.map(finding)); more.hidden = next === null; };
  const add = async () => {
    more.disabled = true;
    try {
      const { checks: [page] } = await ask(next, { signal });
      ({ next } = page);
      show(page.tasks);
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) more.replaceWith(problem(error));
    }
    more.disabled = false;
  };
  show(check.tasks);
  const what = check.tasks[0]?.predecessor_id === null ? "task" : "link";
  return make("details", {}, make("summary", {}, several(check.findings, what)), list, more);
}

function finding({ task_id: id, code, wbs, name, predecessor_id: before, value }) {
  return make("li", {}, make("span", { class: "id" }, code ?? wbs ?? id), " ", name ?? "", before === null ? null : ` after ${before}`, `: ${value}`);
}
