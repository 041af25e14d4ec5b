// The meaning of warnings, and remedies for errors and failed projects: a short form of docs/reference/errors.

const RESPONSES = {
  changed: "Choose the files again. Projects that are already imported are then unchanged.",
  0: "Check the network, then try again.",
  400: "Correct what the message names, then send the file again. Export it again if it breaks off.",
  401: "Sign in again, or use another token.",
  403: "Ask the operator of the service for this permission, then sign in again.",
  404: "Check the number of the client. The item may also have been removed.",
  408: "Continue. Projects that are already imported are then unchanged.",
  413: "Split the file, or ask the operator to raise the limit.",
  422: "Start a new import. The key of this one belongs to another file, other notes or other options.",
  429: "Wait until another import of this client has ended.",
  500: "Report the request id to the operator of the service.",
  503: "Continue in a moment. Projects that are already imported are then unchanged.",
};

/** Where the page has its own words: they name its controls, or the operator instead of a setting. */
const CAUSES = {
  PROJECT_TOO_LARGE: "Split the project, or ask the operator to raise the limit.",
  STORED_IS_NEWER: "Export the project again. To overwrite the newer version, untick “only newer plans”.",
  ALREADY_EXISTS: "Choose “create and update” to update it.",
  UNKNOWN_PROJECT: "Choose “create and update” to create it.",
  FILE_TOO_LARGE: "Split the file, or ask the operator to raise the limit. The projects before this place were processed.",
  INTERNAL_ERROR: "Report it to the operator of the service.",
};
const ATOMIC = "The import is all or nothing";

const WARNINGS = {
  BAD_VALUE: "the value cannot be read. Its column is empty; the attributes have the text.",
  LINK_END_MISSING: "the link refers to a task outside this project. It is stored, but not drawn.",
  ASSIGNMENT_TASK_MISSING: "the assignment refers to a missing task. It is stored as a part of the project.",
  RESOURCE_MISSING: "the resource is not in the file. Its id is stored.",
  IDENTITY_FROM_NAME: "the plan has no GUID, so its name identifies it. Another plan with this name would replace it.",
  FINISH_BEFORE_START: "the finish is before the start. Both are stored unchanged.",
  DIALECT_CHANGED: "the project was last imported from another format. Make sure that two programs do not overwrite each other's changes.",
  AGE_UNKNOWN: "the age of the file could not be compared with that of the stored plan. The project was imported.",
};

/** Warnings of an upload that need no action. */
export const HARMLESS = ["SHARED_OBJECTS_UNUSED"];

/** The meaning of a project's warning, shown after its element. */
export const meaningOf = (code) => WARNINGS[code] ?? code;

/** The remedy for an ApiError. */
export function remedyOf(error) {
  const words = RESPONSES[error.status] ?? "";
  return error.retryAfter && error.status !== 0 ? `${words} Try again in ${error.retryAfter} s.`.trim() : words;
}

/** What to do about a group of failures or warnings. */
export function remedyFor({ error, reason, remedy }) {
  if (error === "NOT_IMPORTED") return reason.startsWith(ATOMIC) ? "Correct the others. With “all or nothing”, they prevent these." : "";
  return CAUSES[error] ?? remedy;
}

/** The warnings of a project: a line that opens to the first of them. */
export function warned({ count, first }) {
  if (!count) return "";
  return make("details", {}, make("summary", {}, several(count, "warning")),
    make("ul", {}, first.map((each) => make("li", {}, noticed(each), " ", make("span", { class: "quiet id" }, each.code))),
      count > first.length ? make("li", {}, `… and ${number(count - first.length)} more`) : null));
}

function noticed({ code, line, element, value }) {
  return `Line ${number(line)}, ${element}${value === null ? "" : ` “${value}”`}: ${meaningOf(code)}`;
}
