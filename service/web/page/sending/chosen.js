// The list of files that were chosen and are not sent yet.

import { button, make } from "../shared/dom.js";
import { describeLeftOut, kindOf } from "./files.js";
import { bytes, several } from "../shared/format.js";
import { inSteps, table } from "../shared/lists.js";
import { hint } from "../shared/notice.js";

const STEP = 50;

/** The list of a selection. `changed` is called after a file was removed. */
export function chosenList(selection, changed) {
  const { element, body, row } = table(["File", "Kind", "Size", ""], "Files to import", { class: "chosen" });
  const more = inSteps(body, selection.files, (item) => row(cells(item, remove)), STEP);
  const leftOut = describeLeftOut(selection.leftOut);

  function remove(item, line) {
    const next = line.nextElementSibling ?? line.previousElementSibling;
    selection.remove(item);
    line.remove();
    changed();
    next?.querySelector("button").focus();
  }

  return make("div", {},
    make("h2", { class: "total" }, `${several(selection.files.length, "file")} to import`, make("span", { class: "quiet" }, bytes(selection.size))),
    leftOut && hint(leftOut, "warn"), element, more);
}

function cells(item, remove) {
  const folders = item.path.split("/");
  const name = folders.pop();
  const kind = make("span", {}, "…");
  const alert = make("span", { class: "remedy" });
  kindOf(item).then(({ text, remedy }) => {
    kind.textContent = text;
    alert.textContent = remedy ?? "";
  });
  const drop = button("Remove", ({ currentTarget }) => remove(item, currentTarget.closest("tr")), { class: "plain", "aria-label": `Remove ${item.path}` });
  return [
    [make("span", { class: "name" }, name), folders.length ? make("span", { class: "quiet" }, folders.join("/")) : null],
    [kind, alert], bytes(item.file.size), make("div", { class: "actions" }, drop),
  ];
}
