// Paginated lists, shown in steps.

import { ask } from "./api.js";
import { button, make } from "./dom.js";
import { number } from "./format.js";
import { loading, problem } from "./notice.js";

/** Fetch a list page by page, up to `most` wanted items, and call `got` after each page. */
export async function collect(path, name, { most, wanted, signal, got }) {
  const items = [];
  for (let next = path; next && items.length < most; ) {
    const page = await ask(next, { signal });
    items.push(...page[name].filter(wanted).slice(0, most - items.length));
    next = page.next;
    got(items, next !== null && items.length < most);
  }
  return items;
}

/** A table. On a phone, each row is a card, and each cell shows the name of its column. */
export function table(heads, caption, attributes = {}) {
  const body = make("tbody");
  const element = make("table", attributes,
    make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, heads.map((head) => (head ? make("th", { scope: "col" }, head) : make("td"))))), body);
  const row = (cells, given = {}) => make("tr", given,
    cells.map((cell, place) => make("td", { "data-head": heads[place] || null }, cell)));
  return { element, body, row };
}

/** Show the rows of a loaded list, `step` at a time. */
export function inSteps(into, items, row, step = 100) {
  let done = 0;
  const more = button("", () => { const at = done; add(); into.children[at]?.querySelector("a, button, summary")?.focus(); }, { class: "more" });
  const add = () => {
    into.append(...items.slice(done, done + step).map(row));
    done = Math.min(items.length, done + step);
    more.hidden = done >= items.length;
    const left = items.length - done;
    more.textContent = left > step ? `Show ${number(step)} more of ${number(left)}` : `Show the other ${number(left)}`;
  };
  into.replaceChildren();
  add();
  return more;
}

/** Show the rows of a list that is fetched when the user asks for more. */
export function fetchedInSteps(into, path, name, row, { signal, empty }) {
  let next = path;
  const state = make("div");
  const more = button("Show more", () => add(), { class: "more", hidden: true });
  const add = async () => {
    more.disabled = true;
    state.replaceChildren(...(into.children.length ? [] : [loading()]));
    try {
      const page = await ask(next, { signal });
      if (signal?.aborted) return;
      into.append(...page[name].map(row));
      next = page.next;
      more.hidden = next === null;
      state.replaceChildren(...(into.children.length || next ? [] : [make("p", { class: "empty" }, empty)]));
    } catch (error) {
      if (error.name !== "AbortError" && !signal?.aborted) state.replaceChildren(problem(error, add));
    }
    more.disabled = false;
  };
  into.replaceChildren();
  return { rest: make("div", {}, state, more), ready: add() };
}
