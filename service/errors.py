"""Every failure that a caller may be told of, and the answer it has.

    ServiceError
     ├── BadRequest               400  Invalid request
     │    └── FileRefused         400  the file holds nothing that can be imported
     ├── Unauthorized             401  Authentication failed
     ├── Forbidden                403  Access denied
     ├── NotFound                 404  Not found
     ├── MethodNotAllowed         405  Method not allowed
     ├── NotAcceptable            406  Not acceptable
     ├── RequestTimeout           408  Request timeout
     ├── Conflict                 409  Conflict
     ├── PayloadTooLarge          413  Payload too large
     │    └── FileTooLarge        413  … told by the reader of the file
     ├── UnsupportedEncoding      415  Unsupported media type
     ├── ExpectationFailed        417  Expectation failed
     ├── OtherUpload              422  Unprocessable content
     ├── TooManyRequests          429  Too many requests
     ├── InternalError            500  Internal server error
     └── Unavailable              503  Service unavailable

An error carries its answer: ``status`` and ``message`` belong to the class, ``details`` says what
happened this time, ``fields`` stand beside it in the envelope and ``headers`` in the response.
Failures of a single project are no exceptions but outcomes: see ``codes.ErrorCode``.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ServiceError(Exception):
    """A failure with an HTTP answer.

    Args:
        details: one sentence for the caller; never an internal of ours.
        fields: further members of the envelope, beside ``details``.
        headers: response headers, such as ``Retry-After``.
    """

    status: ClassVar[int] = 500
    message: ClassVar[str] = "Internal server error"
    default: ClassVar[str] = "An internal server error occurred"

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
    """The request cannot be understood; ``reason`` is told behind the contract's fixed words."""

    status = 400
    message = "Invalid request"

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
    """The file is not XML that we read, or holds no project.

    Args:
        reason: what is wrong, for the caller.
        line: line in the file, from 1, or None where there is none.
        column: column in that line, from 1, or None.
        external_id: of the project in whose middle the fault is, as far as it is known.
        name: likewise.
    """

    def __init__(
        self,
        reason: str,
        *,
        line: int | None = None,
        column: int | None = None,
        external_id: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column
        self.external_id = external_id
        self.name = name


class Unauthorized(ServiceError):
    """The caller is not known."""

    status = 401
    message = "Authentication failed"
    default = "JWT token not found"


class Forbidden(ServiceError):
    """The caller is known and may not do this."""

    status = 403
    message = "Access denied"
    default = "Insufficient permissions"


class NotFound(ServiceError):
    """There is no such thing, or it is another client's."""

    status = 404
    message = "Not found"
    default = "The requested resource was not found"


class MethodNotAllowed(ServiceError):
    """The route exists, the method does not."""

    status = 405
    message = "Method not allowed"
    default = "The method is not allowed for this resource"


class NotAcceptable(ServiceError):
    """The route has none of the types that the request's ``Accept`` takes."""

    status = 406
    message = "Not acceptable"
    default = "There is application/json"


class RequestTimeout(ServiceError):
    """The upload stopped coming."""

    status = 408
    message = "Request timeout"
    default = "The upload stopped before its end"


class Conflict(ServiceError):
    """Refused because of what somebody else holds, changed or runs."""

    status = 409
    message = "Conflict"
    default = "Locking conflict"


class PayloadTooLarge(ServiceError):
    """A limit on size was reached."""

    status = 413
    message = "Payload too large"
    default = "The upload is larger than allowed"


class FileTooLarge(PayloadTooLarge):
    """A limit of the file (bytes, inflated bytes, ratio, projects) was reached.

    Args:
        details: which limit, for the caller.
        line: line that the reader had come to, from 1, or None.
        external_id: of the project in whose middle that was, as far as it is known.
        name: likewise.
    """

    def __init__(
        self,
        details: str,
        *,
        line: int | None = None,
        external_id: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(details)
        self.line = line
        self.external_id = external_id
        self.name = name


class UnsupportedEncoding(ServiceError):
    """The request's ``ProjectContent-Encoding`` is not one that we read."""

    status = 415
    message = "Unsupported media type"
    default = "The Content-Encoding must be gzip or identity"


class ExpectationFailed(ServiceError):
    """The request's ``Expect`` is not ``100-continue``."""

    status = 417
    message = "Expectation failed"
    default = "The only supported expectation is 100-continue"


class OtherUpload(ServiceError):
    """The idempotency key stands for an upload of something else."""

    status = 422
    message = "Unprocessable content"
    default = "The Idempotency-Key was used for another file, other notes or other options"


class TooManyRequests(ServiceError):
    """The client has as many imports running as it may have."""

    status = 429
    message = "Too many requests"
    default = "The client has too many imports running"


class InternalError(ServiceError):
    """A fault of ours."""


class Unavailable(ServiceError):
    """The service cannot take this now; ``Retry-After`` says when to ask again."""

    status = 503
    message = "Service unavailable"
    default = "The service is not available right now"
