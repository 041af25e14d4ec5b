// Elements. A child is text or an element; no text becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Functions become listeners; attributes that are false or null are omitted. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...present(children));
  return element;
}

/** Flatten lists, and omit null and false. */
export function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replace the children of an element. The focus returns to the first element of the tag that had it. */
export function redraw(place, ...children) {
  const held = place.contains(document.activeElement) ? document.activeElement.tagName : null;
  place.replaceChildren(...present(children));
  if (held) place.querySelector(held)?.focus({ preventScroll: true });
}

/** A label over its field, and a hint below that belongs to it. */
export function field(label, control, hint) {
  const id = `hint-${control.name}`;
  if (hint) control.setAttribute("aria-describedby", id);
  return make("div", { class: "field" }, make("label", {}, make("span", { class: "label" }, label), control),
    hint ? make("p", { class: "hint", id }, hint) : null);
}

export function button(label, click, attributes = {}) {
  return make("button", { type: "button", click, ...attributes }, label);
}

/** A select of [value, label] pairs. */
export function choice(pairs, attributes = {}) {
  return make("select", attributes, pairs.map(([value, label]) => make("option", { value }, label)));
}

/** Delay a call until the user pauses typing. */
export function unhurried(call, pause = 250) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(call, pause, ...given);
  };
}

/** Wait for some seconds, or until the signal aborts. */
export function pause(seconds, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** A unique key. `crypto.randomUUID` needs https. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
