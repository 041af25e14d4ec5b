"""The causes of failed projects, by which the page and the command group them.

A cause is the code, the element, and the reason without values, names and places. So a thousand
projects with a date that cannot be read have one cause, and a project with three violations has
three.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from service.codes import ErrorCode

FURTHER: Final = "further violations, which the outcome does not list"

_REASONS: Final[Mapping[str, str]] = {
    ErrorCode.DUPLICATE_PROJECT: "an earlier project of the upload has the same id",
    ErrorCode.VERSION_CONFLICT: "the file was made from another version than the stored one",
    ErrorCode.STORED_IS_NEWER: "the file is older than the stored version",
}
"""The reason for codes whose messages name values of the project."""

_PLACES: Final = (
    (
        re.compile(r"(ends) in the middle of (?:project|the baseline) .*", re.S),
        r"\1 in the middle of a project",
    ),
    (re.compile(r"(ends) (?:too early,|in or after) .*", re.S), r"\1 too early"),
    (re.compile(r"^(not well-formed XML) .*?(: )", re.S), r"\1\2"),
    (re.compile(r'"[^"]*"'), "…"),
)
"""What names a place or a value in a message about a file, and what replaces it."""

_ONE_OF: Final = "is not one of "
_EXAMPLE: Final = re.compile(r"such as (.+)$")
_SAME_ID: Final = "has the id of an earlier record"
_NO_TARGET: Final = re.compile(r"is not (an? \w+ of this project)")
_UNKNOWN: Final = ("is not known here", "is an attribute that is not known here")


class Cause(NamedTuple):
    """A cause of failures.

    Attributes:
        code: of the failures.
        element: local name of the element or XML attribute, or None.
        reason: what is wrong, without values and places; it follows the element in a sentence.
    """

    code: str
    element: str | None
    reason: str

    @property
    def id(self) -> str:
        """The id of the cause in addresses: its code, and a hash of the whole."""
        text = "\0".join((self.code, self.element or "", self.reason))
        return f"{self.code}-{sha256(text.encode(errors='replace')).hexdigest()[:12]}"

    def describe(self) -> str:
        """Return what is wrong, as one sentence without its full stop."""
        return f"{self.element} {self.reason}" if self.element else self.reason


class Occurrence(NamedTuple):
    """A cause in one project or file.

    Attributes:
        line: of the element or the failure, or None.
        value: the file's own text; for a repeated project, the place of the first one; or None.
        times: how often; more than 1 only for violations that the outcome does not list.
    """

    cause: Cause
    line: int | None
    value: str | None = None
    times: int = 1


def iter_causes(failure: Mapping[str, Any]) -> Iterator[Occurrence]:
    """Yield the causes of a failed project or file.

    Args:
        failure: the outcome, as the API returns it.
    """
    code = str(failure.get("error"))
    violations = failure.get("violations") or ()
    for each in violations:
        element, value = each.get("element"), each.get("value")
        yield Occurrence(Cause(code, element, _problem(each)), each.get("line"), value)
    if not violations:
        cause = Cause(code, None, _reason(code, failure))
        yield Occurrence(cause, failure.get("line"), _find_first(failure))
    elif (left := (failure.get("violation_count") or 0) - len(violations)) > 0:
        yield Occurrence(Cause(code, None, FURTHER), failure.get("line"), times=left)


def _find_first(failure: Mapping[str, Any]) -> str | None:
    """Return where the project is whose id is repeated, or None for other failures."""
    line = failure.get("first_line")
    places = [failure.get("first_file"), None if line is None else f"line {line}"]
    return ", ".join(filter(None, places)) or None


def _problem(violation: Mapping[str, Any]) -> str:
    """Return the message of a violation without the element and the value that begin it."""
    element, value = violation.get("element"), violation.get("value")
    subject = element if value is None else f'{element} "{value}"'
    return str(violation.get("message")).removeprefix(f"{subject} ")


def _reason(code: str, failure: Mapping[str, Any]) -> str:
    if code in _REASONS:
        return _REASONS[code]
    if "locked_by" in failure:
        return f"the project is locked by {failure['locked_by']}"
    if code == ErrorCode.LOCKING_CONFLICT:
        return "another import is writing the project"
    reason = str(failure.get("message"))
    if failure.get("kind") == "file":
        for place, general in _PLACES:
            reason = place.sub(general, reason)
    return reason.partition("; ")[0]


def suggest_remedy(cause: Cause, value: str | None = None, message: str | None = None) -> str:
    """Return what to do about a cause, in one or two sentences; empty if the code is unknown.

    Args:
        value: of an occurrence of the cause.
        message: the message of a failure, whose part after a semicolon is a remedy.
    """
    element, reason = cause.element, cause.reason
    if element:
        instead = "" if value is None else f' instead of "{value}"'
        if reason.startswith(_ONE_OF):
            return f"In {element}, write one of {reason.removeprefix(_ONE_OF)}{instead}."
        if example := _EXAMPLE.search(reason):
            return f"Write {element} like {example[1]}{instead}."
        if reason == "is missing":
            return f"Add {element}."
        if reason in _UNKNOWN:
            return f"Remove {element}, or correct its name."
        if reason == _SAME_ID and value is not None:
            return f'Give each {element} another id: "{value}" occurs more than once.'
        if target := _NO_TARGET.fullmatch(reason):
            return f"Refer to {target[1]} in {element}{instead}."
        shown = "" if value is None else f'; the first wrong value is "{value}"'
        return f"Correct {element}{shown}."
    if cause.code == ErrorCode.DUPLICATE_PROJECT and value is not None:
        return f"Keep one of the two projects. The first, which is imported, is in {value}."
    if cause.reason == FURTHER:
        return "Correct the listed ones, and send the file again."
    _, _, advice = (message or "").partition("; ")
    if advice:
        return f"{advice[0].upper()}{advice[1:].rstrip('.')}."
    code = ErrorCode.__members__.get(cause.code)
    if code is None:
        return ""
    sentences = code.remedy.removesuffix(".").split(". ")
    kept = [each for each in sentences if not each.startswith("`message`")]
    return f"{'. '.join(kept)}.".replace("`message`", "the message").replace("`", "")
