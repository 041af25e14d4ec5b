// The bars of an upload: bytes and projects, and the time that is left.

import { make } from "../shared/dom.js";
import { bytes, number, seconds } from "../shared/format.js";
import { Pace } from "./pace.js";

const ALMOST = 0.99; // the service has read the file, and writes the last projects

/** The bars; `update` draws what the state of the upload has become. */
export function progress(state) {
  const sent = bar("Sent", "Bytes sent");
  const done = bar("Projects", "Projects done");
  const left = make("p", { class: "quiet left" });
  const pace = new Pace();

  function update() {
    const { projects_done: count = 0, bytes_read: read = 0 } = state.row ?? {};
    const share = state.packed || !state.size ? null : Math.min(ALMOST, read / state.size);
    sent.show(state.sent, `${bytes(state.sent * state.size)} of ${bytes(state.size)}`);
    done.show(share || null, counted(count, share));
    pace.add(share ?? state.sent, count);
    left.textContent = [pace.rate && `${number(Math.max(1, Math.round(pace.rate)))} projects a second`, timeLeft(state, pace)].filter(Boolean).join(" · ");
  }

  return { element: make("div", { class: "bars" }, sent.element, done.element, left), update };
}

function timeLeft({ phase }, pace) {
  return phase === "sending" && pace.left !== null ? `about ${seconds(Math.ceil(pace.left))} left` : "";
}

function counted(count, share) {
  if (!count) return "waiting for the first";
  return `${number(count)}${share && share < ALMOST ? ` of about ${number(Math.max(count, Math.round(count / share)))}` : " so far"}`;
}

function bar(label, name) {
  const element = make("progress", { max: "1", "aria-label": name });
  const text = make("span");
  const show = (value, words) => {
    if (value === null) element.removeAttribute("value");
    else element.value = value;
    text.textContent = words;
  };
  return { element: make("div", {}, make("span", { class: "label" }, label), element, text), show };
}
