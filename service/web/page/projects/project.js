// One project: its facts, its timeline, and its versions with their changes.

import { ask, download } from "../shared/api.js";
import { button, make, present } from "../shared/dom.js";
import { day, moment, number, planTime, several } from "../shared/format.js";
import { projectChecks } from "./checks.js";
import { comparing, equal, records, sides } from "./compare.js";
import { problem, shown } from "../shared/notice.js";
import { summarised } from "./summary.js";
import { timeline } from "../timeline/timeline.js";
import { versionTable } from "./versions.js";

export function oneProject({ signal, given: [id, version, against] }) {
  const place = make("div", { class: "project" });
  const path = version ? `projects/${id}/versions/${version}` : `projects/${id}`;
  shown(place, () => ask(path, { signal }).then((project) => draw(project, path, against, signal)), signal);
  return place;
}

function draw(project, path, against, signal) {
  const versions = make("section", { "aria-label": "Versions" });
  const choosing = make("div");
  const chart = make("div", {}, timeline(project, signal).element);
  const changed = make("section", { "aria-label": "Records that changed" });
  shown(versions, () => ask(`projects/${project.project_id}/versions?limit=1000`, { signal }).then((page) => {
    choosing.replaceChildren(...present([comparing(project, page.versions, against, signal, (comparison) => drawBoth(chart, changed, project, comparison, signal))]));
    return versionTable(project, page.versions);
  }), signal);
  const checks = project.version === project.current_version ? projectChecks(project, signal) : null;
  return present([head(project, path), choosing, chart, changed, checks, versions]);
}

/** Draw the newer side of a comparison, with the older dates below the bars, and return the summary. */
async function drawBoth(chart, changed, project, comparison, signal) {
  const newer = !comparison || comparison.to === project.version ? project : await ask(`projects/${project.project_id}/versions/${comparison.to}`, { signal });
  const { element, goTo } = timeline(newer, signal, comparison);
  chart.replaceChildren(element);
  changed.replaceChildren(...(comparison ? records(comparison) : []));
  return comparison && (equal(comparison) ?? summarised(comparison.summary, sides(comparison), newer.currency, goTo));
}

function head(project, path) {
  const { version, current_version: current } = project;
  const title = titleOf(project);
  const facts = [
    ["Id", project.external_id], ["Name", title === project.name ? "" : project.name], ["Code", project.code], ["Status", project.status], ["Manager", project.manager],
    ["Start", span(project.start)], ["Finish", span(project.finish)], ["Version", version === current ? number(version) : `${number(version)} of ${number(current)}`],
    ["Changed", `${moment(project.updated_at)}${project.updated_by ? ` by ${project.updated_by}` : ""}`],
    ["Contents", contents(project)],
    ["Lock", project.lock && `${project.lock.holder}, until ${moment(project.lock.expires_at)}`],
    ["Archived", project.archived_at && moment(project.archived_at)],
  ];
  return make("header", {},
    make("h1", {}, title || project.external_id),
    project.description ? make("p", { class: "quiet description" }, project.description) : null,
    make("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    make("div", { class: "actions" }, save(project, path), version === current ? null : make("a", { class: "as-button", href: `#/projects/${project.project_id}` }, "Show the current version")));
}

/** The title of a plan that Microsoft Project named after its file, as in the list of projects. */
function titleOf({ source, name, attributes }) {
  const title = source === "mspdi" && /\.(mpp|mpt|mpx|xml)$/i.test(name) ? attributes.Title : "";
  return (typeof title === "string" && title.trim()) || name;
}

function contents({ tasks, dependencies, resources, assignments }) {
  const kinds = [[tasks, "task"], [dependencies, "link"], [resources, "resource"], [assignments, "assignment"]];
  return kinds.filter(([records]) => records.length).map(([records, kind]) => several(records.length, kind)).join(", ");
}

const span = (text) => (text ? day(planTime(text)) : "");

function save({ project_id: id, version }, path) {
  const element = button("Save as XML", () => download(path, "application/xml", `project-${id}-version-${version}.xml`).catch((error) => element.after(problem(error))));
  return element;
}
