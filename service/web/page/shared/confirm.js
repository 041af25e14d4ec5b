// A confirmation dialog before an action that is hard to revert.

import { button, make } from "./dom.js";

/** Resolves to whether the user confirms. */
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
