// What can be done with an import: cancel it, undo it.

import { ask, fetched, importOf } from "./api.js";
import { confirmed } from "./confirm.js";
import { button, newKey } from "./dom.js";
import { several } from "./format.js";
import { problem } from "./notice.js";

/** Buttons for an import as it is; `changed` is given what it is then. */
export function acts(told, changed) {
  if (told.state === "running") return told.cancel_requested ? [] : [acting("Cancel", () => cancel(told, changed))];
  const { created = 0, updated = 0 } = told.counts ?? {};
  return created + updated && !told.options?.dry_run ? [acting("Undo", () => undo(told))] : [];
}

/** A button that does nothing while it acts; what goes wrong is shown on top, since a row may be drawn anew. */
function acting(label, act) {
  let busy = false;
  return button(label, async () => {
    if (busy) return;
    busy = true;
    try {
      await act();
    } catch (error) {
      document.querySelector("#main").prepend(problem(error));
    }
    busy = false;
  });
}

async function cancel({ import_id: id }, changed) {
  if (!(await confirmed(`Cancel import ${id}?`, "What has landed by now stays.", "Cancel the import"))) return;
  changed(await ask(`imports/${id}/cancel`, { method: "POST" }));
}

async function undo({ import_id: id, counts: { created, updated } }) {
  const parts = [
    created ? `${several(created, "project that it created is", "projects that it created are")} archived` : "",
    updated ? `${several(updated, "project that it updated goes", "projects that it updated go")} back to the version before` : "",
  ].filter(Boolean);
  const explanation = `${parts.join("; ")}. What somebody else has changed since stays as it is. The undo is an import of its own, and can be undone.`;
  if (!(await confirmed(`Undo import ${id}?`, explanation, "Undo it"))) return;
  const response = await fetched(`imports/${id}/undo`, { method: "POST", headers: { "Idempotency-Key": newKey() } });
  const made = importOf(response.headers.get("Location"));
  response.blob().catch(() => {}); // read to its end, which nobody looks at: the outcomes can be asked for
  location.hash = `#/imports/${made}`;
}
