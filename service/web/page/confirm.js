// A question before something that is not easily taken back.

import { button, make } from "./dom.js";

/** Whether the reader says yes. */
export function confirmed(question, explanation, yes) {
  return new Promise((resolve) => {
    const dialog = make("dialog", { "aria-labelledby": "question", close: () => { dialog.remove(); resolve(dialog.returnValue === "yes"); } },
      make("h2", { id: "question" }, question), make("p", {}, explanation),
      make("div", { class: "actions" }, button("No", () => dialog.close("no"), { autofocus: true }),
        button(yes, () => dialog.close("yes"), { class: "danger" })));
    document.body.append(dialog);
    dialog.showModal();
  });
}
