"""The service's response, the same for every HTTP client of the tests."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A response that was read to its end; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    version: str = "HTTP/1.1"

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def details(self) -> Any:
        return self.json["details"]
