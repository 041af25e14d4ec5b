// The kept versions of a project.

import { make } from "../shared/dom.js";
import { moment, number } from "../shared/format.js";
import { table } from "../shared/lists.js";

const HEADS = ["Version", "Name", "Created", "By", "Notes"];

/** The table of the versions, which begin with the oldest. The newest comes first. */
export function versionTable({ project_id: id }, versions) {
  const { element, body, row } = table(HEADS, "Versions");
  body.append(...[...versions].reverse().map((each) => row(cells(id, each))));
  return [make("h2", {}, "Versions"), element, versions.length > 1 ? null : make("p", { class: "quiet" }, "Only one version is kept.")].filter(Boolean);
}

function cells(project, { version, current, label, name, updated_at: at, updated_by: by, import_id: id, notes }) {
  return [
    [make("a", { href: current ? `#/projects/${project}` : `#/projects/${project}/versions/${version}` }, number(version)), " ", current ? make("span", { class: "badge completed" }, "current") : null, label ? [" ", make("span", { class: "badge" }, label)] : null],
    name, moment(at), [`${by} `, id ? make("a", { href: `#/imports/${id}` }, `import ${id}`) : null], notes ?? "",
  ];
}
