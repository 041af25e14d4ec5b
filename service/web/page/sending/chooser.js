// The form that chooses files, a folder and options, lists the files, and starts the import.

import { button, choice, field, make } from "../shared/dom.js";
import { chosenList } from "./chosen.js";
import { chosen, describeLeftOut, dropped, Selection, XER } from "./files.js";
import { bytes, number, several } from "../shared/format.js";
import { hint, notice } from "../shared/notice.js";

const ENCODINGS = [
  ["", "UTF-8 or Western European"],
  ["windows-1250", "Central European (windows-1250)"],
  ["windows-1251", "Cyrillic (windows-1251)"],
  ["koi8-r", "Cyrillic (KOI8-R)"],
  ["windows-1253", "Greek (windows-1253)"],
  ["windows-1254", "Turkish (windows-1254)"],
  ["windows-1255", "Hebrew (windows-1255)"],
  ["windows-1256", "Arabic (windows-1256)"],
  ["windows-1257", "Baltic (windows-1257)"],
  ["windows-1258", "Vietnamese (windows-1258)"],
  ["windows-874", "Thai (windows-874)"],
  ["gb18030", "Chinese, simplified (GB18030)"],
  ["big5", "Chinese, traditional (Big5)"],
  ["shift_jis", "Japanese (Shift_JIS)"],
  ["euc-kr", "Korean (EUC-KR)"],
];

/** The service's limits of one upload. */
function limits() {
  const { maxFiles, maxUploadBytes } = document.documentElement.dataset;
  return { most: Number(maxFiles), mostBytes: Number(maxUploadBytes) };
}

/** The form. `take` gets a selection that one upload can send, and the options. */
export function chooser(take) {
  const { element: options, read, showEncoding } = optionFields();
  const { most, mostBytes } = limits();
  const state = make("div");
  const list = make("div");
  const start = make("button", { class: "primary" });
  const clear = button("Remove all", () => { selection = new Selection(); draw(); place.querySelector("input").focus(); });
  const actions = make("div", { class: "actions" }, start, clear);
  let selection = new Selection();

  function draw() {
    const { files } = selection;
    list.replaceChildren(...(files.length ? [chosenList(selection, drawLess)] : []));
    drawTotal();
  }

  function drawTotal() {
    const { files, size } = selection;
    const fault = files.length ? refusal(selection) : null;
    showEncoding(files.some(({ path }) => XER.test(path)));
    state.replaceChildren(...[fault].filter(Boolean));
    actions.hidden = !files.length;
    start.textContent = `Import ${several(files.length, "file")}`;
    start.disabled = fault !== null;
    if (!files.length) list.replaceChildren();
    const total = list.querySelector(".total");
    total?.replaceChildren(`${several(files.length, "file")} to import`, make("span", { class: "quiet" }, bytes(size)));
  }

  function complain(fault) {
    state.replaceChildren(fault);
    fault.scrollIntoView({ block: "nearest" });
  }

  function drawLess() {
    drawTotal();
    if (!selection.files.length) place.querySelector("input").focus();
  }

  function add(more) {
    if (!more.files.length) return complain(notice("There is no file to send", describeLeftOut(more.leftOut)));
    selection.merge(more);
    draw();
    if (actions.getBoundingClientRect().bottom > innerHeight) actions.scrollIntoView({ block: "end" });
    start.focus({ preventScroll: true });
  }

  function submit(event) {
    event.preventDefault();
    if (!selection.files.length || start.disabled) return;
    const given = selection;
    const values = read();
    selection = new Selection();
    draw();
    take(given, values);
  }

  async function drop({ dataTransfer }) {
    const found = dropped(dataTransfer, most);
    state.replaceChildren(hint("Reading the folder …"));
    try {
      add(await found);
    } catch (error) {
      complain(notice("The files cannot be read", error.message));
    }
  }

  const place = make("div", {
    class: "drop",
    dragover: () => place.classList.add("over"),
    dragleave: () => place.classList.remove("over"),
    drop: (event) => { place.classList.remove("over"); drop(event); },
  }, picker("files", "Choose files", add), picker("folder", "Choose a folder", add, { webkitdirectory: true }), make("span", {}, "or drop them here"),
  make("p", { class: "hint" }, "Microsoft Project XML, Primavera P6 XML or XER, or native XML, also as gzip or ZIP."),
  make("p", { class: "hint" }, `At most ${several(most, "file")} and ${bytes(mostBytes)} in one import.`));

  drawTotal();
  return make("form", { class: "card chooser", submit }, place, list, options, state, actions);
}

/** The fields below the files: `read` returns their values. */
function optionFields() {
  const notes = make("input", { name: "notes", maxlength: "4000", autocomplete: "off", placeholder: "For example: Portfolio of week 12" });
  const mode = choice([["upsert", "create and update"], ["create", "only create"], ["update", "only update"]], { name: "mode" });
  const tick = (name) => make("input", { type: "checkbox", name });
  const charset = choice(ENCODINGS, { name: "charset" });
  const encoding = field("Encoding of XER files", charset, "An XER file does not state it. Choose it if letters look wrong.");
  const showEncoding = (shown) => { encoding.hidden = !shown; };
  const [dry, atomic, newer] = ["dry_run", "atomic", "if_newer"].map(tick);
  const ticked = (box, label, explanation) => make("label", { class: "tick" }, box, make("span", {}, label, make("span", { class: "hint" }, ` ${explanation}`)));
  const element = make("div", { class: "options" },
    field("Notes", notes), field("Mode", mode), encoding,
    make("fieldset", {}, make("legend", { class: "label" }, "Options"),
      ticked(dry, "Dry run", "checks everything, writes nothing"),
      ticked(atomic, "All or nothing", "if one project or file fails, nothing is imported"),
      ticked(newer, "Only newer plans", "an older file than the stored one is refused")));
  const read = () => ({ notes: notes.value.trim(), mode: mode.value, dry_run: dry.checked, atomic: atomic.checked, if_newer: newer.checked, charset: encoding.hidden ? "" : charset.value });
  return { element, read, showEncoding };
}

function picker(id, label, add, attributes = {}) {
  const input = make("input", {
    type: "file", id, class: "unseen", multiple: true, ...attributes,
    change: () => { add(chosen(input.files)); input.value = ""; },
    keydown: (event) => { if (event.key === "Enter") { event.preventDefault(); input.click(); } },
  });
  return [input, make("label", { for: id }, make("span", { class: "as-button" }, label))];
}

/** A notice if one upload cannot send a selection, or null. */
function refusal({ files, size }) {
  const { most, mostBytes } = limits();
  if (files.length > most) return notice("Too many files", `One import takes ${number(most)} files. Remove some, or choose a smaller folder.`);
  if (size > mostBytes) return notice("Too much at once", `The files have ${bytes(size)}, and one import takes ${bytes(mostBytes)}. Remove some.`);
  return null;
}
