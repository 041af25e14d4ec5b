// Outcomes as a file.

import { download } from "../shared/api.js";
import { button } from "../shared/dom.js";
import { problem } from "../shared/notice.js";

/** A button that saves outcomes as CSV. `query` selects them; `name` is a part of the file's name. */
export function csv(row, label, query, name) {
  const element = button(label, async () => {
    element.disabled = true;
    try {
      await download(`imports/${row.import_id}/results${query}`, "text/csv", `import-${row.import_id}-${name}.csv`);
    } catch (error) {
      element.after(problem(error));
    }
    element.disabled = false;
  });
  return element;
}
