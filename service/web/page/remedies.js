// What a warning means, and what to do about an answer or a project that failed: docs/errors.md in a word.

const ANSWERS = {
  0: "Check the network, then go on. What landed before comes out as unchanged.",
  400: "Mend what is named, then send the file again.",
  401: "Paste another token.",
  403: "Have a token issued that names this client and has the scope for this.",
  404: "Check the client's number; or it is gone meanwhile.",
  408: "Go on: what landed before comes out as unchanged.",
  413: "Split the file, or have the limit raised.",
  422: "Send it as a new import: this one's key stands for another file, other notes or other options.",
  429: "Wait until another import of this client has ended.",
  500: "Report the request id to whoever runs the service.",
  503: "Go on in a moment: what landed before comes out as unchanged.",
};

const PROJECTS = {
  VALIDATION_ERROR: "Mend the named elements.",
  DUPLICATE_PROJECT: "The first one counts. Keep one of them in the file.",
  PROJECT_TOO_LARGE: "Split the project, or have the limit raised.",
  LOCKING_CONFLICT: "Import it again once the lock is gone, or ask its holder.",
  VERSION_CONFLICT: "Read the current version and redo the change; or leave the version out to overwrite.",
  ALREADY_EXISTS: "Choose “create and update” to update it.",
  NOT_IMPORTED: "Mend the others: all or nothing was asked for.",
  UNKNOWN_PROJECT: "Choose “create and update” to create it.",
  MALFORMED_XML: "Mend the file there and send it again. What came before this place was handled.",
  FILE_TOO_LARGE: "Split the file, or have the limit raised. What came before this place was handled.",
  INTERNAL_ERROR: "Report it to whoever runs the service.",
};

const WARNINGS = {
  BAD_VALUE: "cannot be read. Its column is empty, the text is kept.",
  LINK_END_MISSING: "a link to a task that is not in this project. It is kept, but not drawn.",
  ASSIGNMENT_TASK_MISSING: "an assignment to a task that is not there. It is kept apart.",
  RESOURCE_MISSING: "a resource that is not in the file. Its id is kept.",
  IDENTITY_FROM_NAME: "the plan has no GUID, and is known by its name: another plan of this name would replace it.",
  FINISH_BEFORE_START: "a finish before the start. It is stored as it is.",
  DIALECT_CHANGED: "the project came from another program before. See that the two do not overwrite each other.",
};

/** Warnings of a whole upload that ask for nothing. */
export const HARMLESS = ["BASELINE_PROJECTS_SKIPPED", "SHARED_OBJECTS_UNUSED"];

/** A project's warning in words, to be read behind the element. */
export const meaningOf = (code) => WARNINGS[code] ?? code;

/** For an ApiError. */
export function remedyOf(error) {
  const words = ANSWERS[error.status] ?? "";
  return error.retryAfter && error.status !== 0 ? `${words} Try again in ${error.retryAfter} s.`.trim() : words;
}

/** For a project that failed. */
export const remedyFor = (failure) =>
  failure.error === "NOT_IMPORTED" && !failure.retryable ? "" : PROJECTS[failure.error] ?? "";
