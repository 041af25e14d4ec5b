// Files that the user chose or dropped. A folder is read with its folders, and what is no plan is left out.

import { number, several } from "../shared/format.js";

const SENT = /\.((xml|xer)(\.gz)?|zip)$/i;
export const XER = /\.xer(\.gz)?$/i;
const HIDDEN = /(^|\/)\./;
const PLANS = { mpp: "Save .mpp files as XML in Microsoft Project." };
const SHOWN = 5;
const ORDER = new Intl.Collator("en", { numeric: true });

const suffix = (path) => path.split(".").at(-1).toLowerCase();

/**
 * What one upload sends: `files` with their paths, in the order of the paths, and their `size` in bytes. `leftOut` has
 * the paths that are not sent. A file that the user chose itself, not its folder, is always sent: the service looks at
 * its bytes and tells what it is.
 */
export class Selection {
  files = [];
  leftOut = [];

  get size() {
    return this.files.reduce((sum, { file }) => sum + file.size, 0);
  }

  /** The file, the folder, or the first file "and 69 more". */
  get title() {
    const [first] = this.files;
    const folder = first?.path.split("/")[0];
    if (first?.path !== folder && this.files.every(({ path }) => path.startsWith(`${folder}/`))) return folder;
    return titled(first?.file.name, this.files.length);
  }

  add(path, file) {
    this.files.push({ path, file });
  }

  /** Add another selection. A file that is already here is not added again. */
  merge(other) {
    const known = new Set(this.files.map(identity));
    this.files.push(...other.files.filter((each) => !known.has(identity(each))));
    this.leftOut = [...new Set([...this.leftOut, ...other.leftOut])];
    return this.sorted();
  }

  remove(item) {
    this.files = this.files.filter((each) => each !== item);
  }

  sorted() {
    this.files.sort((one, other) => ORDER.compare(one.path, other.path));
    this.leftOut.sort((one, other) => (suffix(other) in PLANS) - (suffix(one) in PLANS) || ORDER.compare(one, other));
    return this;
  }
}

const identity = ({ path, file }) => JSON.stringify([path, file.size, file.lastModified]);

/** The number of files of an import, including those that could not be read. */
export const filesOf = ({ files }) => (files ? files.read + files.failed : 0);

/** "a.xml", or "a.xml and 69 more". */
export const titled = (name, count) => (count > 1 ? `${name} and ${number(count - 1)} more` : name);

/** The selection of an input, whose files have a relative path if it chose a folder. */
export function chosen(list) {
  const selection = new Selection();
  for (const file of list) {
    const path = file.webkitRelativePath;
    if (!path) selection.add(file.name, file);
    else if (SENT.test(path) && !HIDDEN.test(path)) selection.add(path, file);
    else if (!HIDDEN.test(path)) selection.leftOut.push(path);
  }
  return selection.sorted();
}

/** The selection of a drop, which may contain folders. It stops after `most` files, since no upload takes more. */
export async function dropped(transfer, most) {
  const selection = new Selection();
  // Entries exist only during the event, so they are taken before the first wait.
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter(Boolean);
  for (const entry of entries) {
    if (entry instanceof File) selection.add(entry.name, entry); // not from the disk, such as an attachment of a mail
    else if (entry.isFile) selection.add(entry.name, await fileOf(entry));
    else await walk(entry, selection, most);
  }
  return selection.sorted();
}

async function walk(folder, selection, most) {
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // some of them
    if (!entries.length) return;
    for (const entry of entries) {
      if (selection.files.length > most) return;
      const path = entry.fullPath.slice(1);
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) await walk(entry, selection, most);
      else if (SENT.test(path)) selection.add(path, await fileOf(entry));
      else selection.leftOut.push(path);
    }
  }
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** A sentence that names what was left out, or null. Plans of other programs come first. */
export function describeLeftOut(paths) {
  if (!paths.length) return null;
  const names = paths.slice(0, SHOWN).join(", ");
  const more = paths.length > SHOWN ? ` and ${several(paths.length - SHOWN, "other file")}` : "";
  const remedies = Object.keys(PLANS).filter((kind) => paths.some((path) => suffix(path) === kind)).map((kind) => ` ${PLANS[kind]}`);
  return `Left out: ${names}${more}. Of a folder, the page sends .xml and .xer, also with .gz, and .zip.${remedies.join("")}`;
}

const KINDS = [
  [/schemas\.microsoft\.com\/project/, "Microsoft Project"],
  [/<(\w+:)?APIBusinessObjects/, "Primavera P6"],
  [/urn:project-bulk-import:/, "native XML"],
  [/^\W{0,3}ERMHDR\t/, "Primavera XER"],
  [/^[^<]{0,9}</, "XML"],
];
const HEAD = 4096;

/** The kind of a file by its first bytes: `text`, and a `remedy` if the service cannot read it. */
export async function kindOf({ file, path }) {
  let head;
  try {
    head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  } catch {
    return { text: "unreadable", remedy: "It was moved, changed or deleted." };
  }
  if (head[0] === 0x1f && head[1] === 0x8b) return { text: "gzip" };
  if (head[0] === 0x50 && head[1] === 0x4b) return { text: "ZIP archive" };
  const start = new TextDecoder("latin1").decode(head.filter(Boolean)); // without the zeros of UTF-16
  const [, text] = KINDS.find(([pattern]) => pattern.test(start)) ?? [];
  return text ? { text } : { text: "not a plan", remedy: PLANS[suffix(path)] ?? "The service cannot read it." };
}

/** The path of the first file that changed or vanished since it was chosen, or null. The browser does not send it. */
export async function changedFile(files) {
  for (const { file, path } of files) {
    try {
      await file.slice(0, 1).arrayBuffer();
    } catch {
      return path;
    }
  }
  return null;
}
