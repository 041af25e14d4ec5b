"""Settings by marker, as tests of HTTP have them."""

from tests.integration.http.conftest import pytest_configure, settings

__all__ = ["pytest_configure", "settings"]
