// What a reload of the tab must know of its uploads. The browser keeps no files across a reload.

const KEPT = "bulk-import-uploads";
const OPEN = ["waiting", "sending", "finishing", "lost", "pausing", "broken"];

/** The uploads of a client that were open when the tab was reloaded. */
export const keptUploads = (client) => read().filter((each) => each.client === client);

/** Keep an upload while it is open, and forget it afterwards. */
export function keepUpload({ key, client, title, count, size, packed, notes, options, phase }) {
  const others = read().filter((each) => each.key !== key);
  const all = OPEN.includes(phase) ? [...others, { key, client, title, count, size, packed, notes, options }] : others;
  if (all.length) sessionStorage.setItem(KEPT, JSON.stringify(all));
  else sessionStorage.removeItem(KEPT);
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}
