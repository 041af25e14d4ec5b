"""Where the checkout, the shipped test data and the shared real files are."""

from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[2]
SHIPPED: Final = CHECKOUT / "tests" / "data"
REAL: Final = CHECKOUT.parent / "shared" / "real"
"""Real files beside the checkout; tests use them where they are there."""
