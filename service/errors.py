"""The errors of the HTTP API: one class for each, with its status and its texts.

    ServiceError
     ├── BadRequest               400  Invalid request
     │    └── FileRefused         400  the file cannot be read or has no project
     ├── Unauthorized             401  Authentication failed
     ├── Forbidden                403  Access denied
     ├── NotFound                 404  Not found
     ├── MethodNotAllowed         405  Method not allowed
     ├── NotAcceptable            406  Not acceptable
     ├── RequestTimeout           408  Request timeout
     ├── Conflict                 409  Conflict
     ├── PayloadTooLarge          413  Payload too large
     │    └── FileTooLarge        413  the file exceeds a limit
     ├── UnsupportedEncoding      415  Unsupported media type
     ├── ExpectationFailed        417  Expectation failed
     ├── OtherUpload              422  Unprocessable content
     ├── TooManyRequests          429  Too many requests
     ├── InternalError            500  Internal server error
     └── Unavailable              503  Service unavailable

``status`` and ``message`` belong to the class. ``details`` describes the single case, ``fields``
are further members of the response body, and ``headers`` are sent with it. The failure of one
project is not an exception but an outcome with an ``ErrorCode`` (see ``codes``).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from service.codes import ErrorCode


class Cause(NamedTuple):
    """One reason for an HTTP error; ``docs/reference/errors`` publishes it.

    Attributes:
        cause: what happened.
        remedy: what the caller can do.
        retry: whether the same request can succeed later.
    """

    cause: str
    remedy: str
    retry: str = "no"


class ServiceError(Exception):
    """An error that the service answers with an HTTP response.

    Args:
        details: one sentence for the caller, without internals of the service.
        fields: further members of the response body.
        headers: response headers, such as ``Retry-After``.

    Attributes:
        status: HTTP status.
        message: fixed text for the status.
        default: ``details`` if the error is raised without them.
        causes: reasons for the error, published in ``docs/reference/errors``.
    """

    status: ClassVar[int] = 500
    message: ClassVar[str] = "Internal server error"
    default: ClassVar[str] = "An internal server error occurred"
    causes: ClassVar[tuple[Cause, ...]] = ()

    def __init__(
        self,
        details: str | None = None,
        *,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.details = self.default if details is None else details
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        super().__init__(self.details)


class BadRequest(ServiceError):
    """The request is invalid; ``details`` is the API's fixed prefix and ``reason``."""

    status = 400
    message = "Invalid request"
    causes = (
        Cause(
            "The request is not a form: it is not `multipart/form-data`, has no boundary, or has "
            "no file (a part `file`, `file[]`, `files` or `files[]`).",
            "See `details`. If the boundary is missing, your code sets `Content-Type` itself; let "
            "the HTTP library set it.",
        ),
        Cause(
            "The only file of the upload cannot be read: it is empty, is neither XML nor XER, has "
            "a DOCTYPE or no project, or is a gzip or ZIP file that is corrupt or unsupported. "
            "Among other files, it is an error of the kind `file` in the 207.",
            "Export the plan again as XML, or from P6 as XER.",
        ),
        Cause(
            "A parameter, an option, the `Idempotency-Key` or an id in the path is unknown or has "
            "an invalid value, or the notes before the files are too long or have control "
            "characters.",
            "Correct what `details` names.",
        ),
    )

    def __init__(
        self,
        reason: str,
        *,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"Validation error: {reason}", fields=fields, headers=headers)
        self.reason = reason


class FileRefused(BadRequest):
    """The file cannot be read, or has no project.

    Args:
        reason: what is wrong, for the caller, without line and column; ``details`` has them
            before the first semicolon, after which the remedy follows.
        line: line in the file, from 1, or None.
        column: column in that line, from 1, or None.
        external_id: id of the project that contains the error, if it is known.
        name: name of that project, if it is known.
        code: of the entry that the file gets if its upload has others.
    """

    def __init__(
        self,
        reason: str,
        *,
        line: int | None = None,
        column: int | None = None,
        external_id: str | None = None,
        name: str | None = None,
        code: ErrorCode = ErrorCode.MALFORMED_XML,
    ) -> None:
        super().__init__(add_place(reason, line, column))
        self.reason = reason
        self.code = code
        self.line = line
        self.column = column
        self.external_id = external_id
        self.name = name


def add_place(reason: str, line: int | None, column: int | None = None) -> str:
    """Add a place to a reason, before the remedy after a semicolon."""
    what, separator, remedy = reason.partition("; ")
    place = "" if line is None else f", line {line}"
    place += "" if column is None else f", column {column}"
    return f"{what}{place}{separator}{remedy}"


class Unauthorized(ServiceError):
    """The request has no valid token."""

    status = 401
    message = "Authentication failed"
    default = "JWT token not found"
    causes = (
        Cause(
            "The request has no token, or the token is malformed, expired, not yet valid, too "
            "long, wrongly signed, signed by an unknown key, or for another issuer or audience.",
            "Get a new token. `details` states what is wrong with this one, and where to get one.",
            "with a new token",
        ),
    )


class Forbidden(ServiceError):
    """The token is valid but does not permit the request."""

    status = 403
    message = "Access denied"
    default = "Insufficient permissions"
    causes = (
        Cause(
            "The token lacks the scope or does not name the client, a lock is requested with a "
            "token without `sub`, or the client is disabled. `details` says which.",
            "Get a token with the scope and the client, or run `bulk-import client enable`.",
            "with a new token",
        ),
    )


class NotFound(ServiceError):
    """The resource does not exist, or it belongs to another client.

    Args:
        what: what does not exist; ``details`` is the API's fixed prefix and this.
    """

    status = 404
    message = "Not found"
    default = "The requested resource was not found"
    causes = (
        Cause(
            "The route, client, import, project or version does not exist.",
            "Check what `details` names, the address and `bulk-import client list`.",
        ),
    )

    def __init__(self, what: str) -> None:
        super().__init__(f"{self.default}: {what}")


def no_project(project_id: int) -> NotFound:
    """Return the error for a project that the client does not have, or that is archived."""
    return NotFound(f"project {project_id} of this client does not exist, or is archived")


def no_import(import_id: int) -> NotFound:
    """Return the error for an import that the client does not have."""
    return NotFound(f"import {import_id} of this client does not exist")


def no_version(project_id: int, *versions: int) -> NotFound:
    """Return the error for a version that a project does not have; of two, one is missing."""
    which = " or ".join(map(str, versions))
    return NotFound(f"project {project_id} of this client has no version {which}")


class MethodNotAllowed(ServiceError):
    """The route exists but does not have the method.

    Args:
        allowed: the methods that it has, separated by commas.
    """

    status = 405
    message = "Method not allowed"
    default = "The method is not allowed for this resource"
    causes = (Cause("The route does not have the method.", "See the header `Allow`."),)

    def __init__(self, allowed: str) -> None:
        super().__init__(f"{self.default}: use {allowed}", headers={"Allow": allowed})


class NotAcceptable(ServiceError):
    """The route returns none of the types in the request's ``Accept``."""

    status = 406
    message = "Not acceptable"
    default = "The header Accept must allow application/json"
    causes = (
        Cause(
            "The header `Accept` excludes every type that the route can return.",
            "Accept one of the types that `details` lists. `*/*` selects the first.",
        ),
        Cause(
            "The header `Accept` asks for a file of Microsoft Project, but the project was read "
            "from another format.",
            "Read it as `application/json` or `application/xml`.",
        ),
    )


class RequestTimeout(ServiceError):
    """The upload stopped, or took too long."""

    status = 408
    message = "Request timeout"
    default = "The upload stopped before its end"
    causes = (
        Cause(
            "The upload stopped or took too long, or the head of the request did not arrive in "
            "time.",
            "Send the file again. Projects that were imported are then `unchanged`.",
            "yes",
        ),
    )


class Conflict(ServiceError):
    """The request conflicts with a lock, a newer version, or the state of an import."""

    status = 409
    message = "Conflict"
    default = "Locking conflict"
    causes = (
        Cause(
            "`Locking conflict` or `Version conflict`: every project of the upload was refused for "
            "one of these reasons. `errors` lists the first 1,000; `Location` has all.",
            "See `LOCKING_CONFLICT`, `VERSION_CONFLICT` and `STORED_IS_NEWER`.",
            "see there",
        ),
        Cause(
            "`Locking conflict` for one project: another user holds a lock on it (`locked_by`, "
            "`locked_until`), or an import is writing it (`import_id`).",
            "Wait, or ask the holder of the lock.",
            "yes",
        ),
        Cause(
            "`Version conflict` for one project: another version than the one to archive is "
            "current (`current_version`).",
            "Read the current version, and archive it if you still want to.",
        ),
        Cause(
            "Another version of the project has the label (`version`).",
            "Choose another label, or remove it from that version.",
        ),
        Cause(
            "`missing_from` names an import that has not completed, of which a file could not be "
            "read to its end, or whose outcomes are no longer kept.",
            "Import the complete files again.",
        ),
        Cause(
            "`Import in progress`: an upload with the same `Idempotency-Key`, or an undo of the "
            "same import, is running (see "
            "`import_id` and `Location`).",
            "Wait as long as `Retry-After` states, or cancel that import.",
            "yes",
        ),
        Cause(
            "The `Idempotency-Key` belongs to an interrupted import with other options: "
            "`first_options`, while this request has `options`.",
            "Send the upload with `first_options`, or use a new key.",
            "with a new key",
        ),
        Cause(
            "`Import cancelled`: a user cancelled the import. `counts` has what was imported "
            "before. If the import's process died, the next upload with its `Idempotency-Key` "
            "learns of the cancel.",
            "Send the file again if it is still needed.",
            "yes",
        ),
        Cause(
            "A cancel was requested for an import that has ended; or an undo for an import that is "
            "running, was a dry run, or whose outcomes are no longer kept (`undoable_until`).",
            "Read the outcomes of the import.",
        ),
    )


class PayloadTooLarge(ServiceError):
    """The request exceeds a size limit."""

    status = 413
    message = "Payload too large"
    default = "The upload is larger than allowed"
    causes = (
        Cause(
            "The request, or the only file of the upload, exceeds a limit before any project is "
            "complete.",
            "Split the file, or raise the limit in the settings.",
        ),
    )


class FileTooLarge(PayloadTooLarge):
    """The file exceeds a limit: bytes, inflated bytes, inflation ratio, names or projects.

    Args:
        reason: the limit, for the caller, without the line; ``details`` has it.
        line: line at which reading stopped, from 1, or None.
        external_id: id of the project that was being read, if it is known.
        name: name of that project, if it is known.
    """

    def __init__(
        self,
        reason: str,
        *,
        line: int | None = None,
        external_id: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(add_place(reason, line))
        self.reason = reason
        self.line = line
        self.external_id = external_id
        self.name = name


def upload_too_large(limit: int) -> FileTooLarge:
    """Return the error for a request whose body is larger than ``limit`` bytes."""
    return FileTooLarge(
        f"The upload is larger than the {limit} bytes allowed; send its files in several uploads, "
        "or raise BULK_IMPORT_MAX_UPLOAD_BYTES"
    )


class UnsupportedEncoding(ServiceError):
    """The service does not support the request's ``Content-Encoding``."""

    status = 415
    message = "Unsupported media type"
    default = "The Content-Encoding must be gzip or identity"
    causes = (
        Cause(
            "The request has a `Content-Encoding` other than `gzip` and `identity`.",
            "Use one of these two.",
        ),
    )


class ExpectationFailed(ServiceError):
    """The request's ``Expect`` is not ``100-continue``."""

    status = 417
    message = "Expectation failed"
    default = "The only supported expectation is 100-continue"
    causes = (
        Cause("The request has an `Expect` other than `100-continue`.", "Remove the header."),
    )


class OtherUpload(ServiceError):
    """The idempotency key was used for another upload."""

    status = 422
    message = "Unprocessable content"
    default = (
        "The Idempotency-Key was used for another file, other notes or other options; use a new "
        "key for each upload"
    )
    causes = (
        Cause(
            "The `Idempotency-Key` was used for another file, other notes or other options.",
            "Use a new key for each upload.",
            "with a new key",
        ),
    )


class TooManyRequests(ServiceError):
    """The client has reached its limit of running imports."""

    status = 429
    message = "Too many requests"
    default = "The client has too many imports running"
    causes = (
        Cause(
            "The client has reached the number of imports that it may run at the same time.",
            "Wait as long as `Retry-After` states.",
            "yes",
        ),
    )


class InternalError(ServiceError):
    """The service failed. Log the fault with the level error where you raise this."""

    causes = (
        Cause(
            "The service failed. The import, if one had begun, is `failed`.",
            "Report the request id.",
            "perhaps",
        ),
    )


class Unavailable(ServiceError):
    """The service cannot process the request now; ``Retry-After`` states when to try again."""

    status = 503
    message = "Service unavailable"
    default = "The service is not available right now"
    causes = (
        Cause(
            "The service is shutting down, all import slots are in use, the database is "
            "unavailable, an atomic import blocks the client for too long, or there is no room for "
            "working files.",
            "Wait as long as `Retry-After` states. Projects that were imported are then "
            "`unchanged`.",
            "yes",
        ),
        Cause(
            "`The database has lost projects of the import that were committed`, as after a "
            "fail-over to an asynchronous standby. The import is `interrupted`.",
            "Send the file again, with the same `Idempotency-Key`.",
            "yes",
        ),
        Cause(
            "A list has `changed_since`, and the database hides transactions of other replicas.",
            "See `sessions` of `/readyz`.",
            "once it is corrected",
        ),
    )
