// Actions on an import: cancel and undo.

import { ask, fetched, importOf } from "../shared/api.js";
import { confirmed } from "../shared/confirm.js";
import { button, newKey } from "../shared/dom.js";
import { several } from "../shared/format.js";
import { problem } from "../shared/notice.js";
import { may } from "../session/token.js";

/** Buttons for the state of an import, if the token allows the action. `changed` gets the import after an action. */
export function actionButtons(row, changed) {
  if (row.state === "running") return row.cancel_requested || !may("import") ? [] : [actionButton("Cancel", () => cancel(row, changed))];
  const { created = 0, updated = 0 } = row.counts ?? {};
  return created + updated && row.undoable_until && !row.undone_by && may("undo") ? [actionButton("Undo", () => undo(row))] : [];
}

/** A button that ignores clicks while its action runs. Errors go to the top of the page, because rows are redrawn. */
function actionButton(label, act) {
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
  if (!(await confirmed(`Cancel import ${id}?`, "Projects that are already imported stay.", "Cancel the import"))) return;
  changed(await ask(`imports/${id}/cancel`, { method: "POST" }));
}

async function undo({ import_id: id, counts: { created, updated } }) {
  const parts = [
    created ? `The ${several(created, "created project is", "created projects are")} archived` : "",
    updated ? `The ${several(updated, "updated project returns to its", "updated projects return to their")} previous version` : "",
  ].filter(Boolean);
  const explanation = `${parts.join(". ")}. Projects that were changed since then stay unchanged. The undo is an import too, so you can undo it.`;
  if (!(await confirmed(`Undo import ${id}?`, explanation, "Undo the import"))) return;
  const response = await fetched(`imports/${id}/undo`, { method: "POST", headers: { "Idempotency-Key": newKey() } });
  const undoId = importOf(response.headers.get("Location"));
  response.blob().catch(() => {}); // read the response to its end and ignore it: the view loads the outcomes
  location.hash = `#/imports/${undoId}`;
}
