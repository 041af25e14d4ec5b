// The form that chooses files, a folder and options.

import { choice, field, make } from "../shared/dom.js";
import { chosen, describeLeftOut, dropped } from "./files.js";
import { bytes, number, several } from "../shared/format.js";
import { hint, notice } from "../shared/notice.js";

/** The service's limits of one upload. */
function limits() {
  const { maxFiles, maxUploadBytes } = document.documentElement.dataset;
  return { most: Number(maxFiles), mostBytes: Number(maxUploadBytes) };
}

/** The form. `take` gets each selection that one upload can send, and the options. */
export function chooser(take) {
  const notes = make("input", { name: "notes", maxlength: "4000", autocomplete: "off", placeholder: "For example: Portfolio of week 12" });
  const mode = choice([["upsert", "create and update"], ["create", "only create"], ["update", "only update"]], { name: "mode" });
  const dry = make("input", { type: "checkbox", name: "dry_run" });
  const atomic = make("input", { type: "checkbox", name: "atomic" });
  const newer = make("input", { type: "checkbox", name: "if_newer" });
  const { most, mostBytes } = limits();
  const state = make("div");

  function select(selection) {
    const fault = refusal(selection);
    state.replaceChildren(...[fault].filter(Boolean));
    if (!fault) take(selection, { notes: notes.value.trim(), mode: mode.value, dry_run: dry.checked, atomic: atomic.checked, if_newer: newer.checked });
  }

  async function drop({ dataTransfer }) {
    const selection = dropped(dataTransfer, most);
    state.replaceChildren(hint("Reading the folder …"));
    try {
      select(await selection);
    } catch (error) {
      state.replaceChildren(notice("The files cannot be read", error.message));
    }
  }

  const place = make("div", {
    class: "drop",
    dragover: () => place.classList.add("over"),
    dragleave: () => place.classList.remove("over"),
    drop: (event) => { place.classList.remove("over"); drop(event); },
  }, picker("files", "Choose files", select), picker("folder", "Choose a folder", select, { webkitdirectory: true }), make("span", {}, "or drop them here"),
  make("p", { class: "hint" }, "Microsoft Project XML, Primavera P6 XML or native XML, also as gzip or ZIP. What you choose together is one import."),
  make("p", { class: "hint" }, `At most ${several(most, "file")} and ${bytes(mostBytes)} at once.`));

  return make("form", { class: "card", submit: (event) => event.preventDefault() },
    make("div", { class: "options" },
      make("div", { class: "wide" }, field("Notes", notes)),
      field("Mode", mode),
      make("fieldset", {}, make("legend", { class: "label" }, "Options"),
        make("label", { class: "tick" }, dry, make("span", {}, "Dry run", make("span", { class: "hint" }, " checks everything, writes nothing"))),
        make("label", { class: "tick" }, atomic, make("span", {}, "All or nothing", make("span", { class: "hint" }, " if one project or file fails, nothing is imported"))),
        make("label", { class: "tick" }, newer, make("span", {}, "Only newer plans", make("span", { class: "hint" }, " an older file than the stored one is refused"))))),
    place, state);
}

function picker(id, label, select, attributes = {}) {
  const input = make("input", {
    type: "file", id, class: "unseen", multiple: true, ...attributes,
    change: () => { select(chosen(input.files)); input.value = ""; },
    keydown: (event) => { if (event.key === "Enter") { event.preventDefault(); input.click(); } },
  });
  return [input, make("label", { for: id }, make("span", { class: "as-button" }, label))];
}

/** A notice if one upload cannot send a selection, or null. */
function refusal({ files, leftOut, size }) {
  const { most, mostBytes } = limits();
  if (!files.length) return notice("There is no file to send", describeLeftOut(leftOut));
  if (files.length > most) return notice("Too many files", `One upload takes ${number(most)} files. Choose a smaller folder, or fewer files.`);
  if (size > mostBytes) return notice("Too much at once", `The files have ${bytes(size)}, and one upload takes ${bytes(mostBytes)}. Choose fewer files.`);
  return null;
}
