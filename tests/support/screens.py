"""What a state of the page must satisfy on each screen, and its pictures."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from axe_playwright_python.base import AXE_SCRIPT

from tests.support.paths import CHECKOUT
from tests.support.tab import Tab

PICTURES: Final = CHECKOUT / "docs" / "pictures"
GALLERY: Final = CHECKOUT / "docs" / "contribute" / "pictures.md"
"""The document that links to each picture."""
RECORDING: Final = bool(os.environ.get("RECORD_PICTURES"))
"""Whether the run writes the pictures."""
_QUALITY: Final = 32
_COLOURS: Final = ("color-contrast", "link-in-text-block")
_WIDTH: Final = ("scrollable-region-focusable", "target-size", "meta-viewport")


@dataclass(frozen=True)
class Screen:
    """A window and its colours.

    Attributes:
        rules: the rules of axe that this screen repeats; None means all of them. To repeat all on
            every screen takes twice the time, so that only recording does.
    """

    name: str
    width: int
    height: int
    colours: Literal["light", "dark"] = "light"
    rules: Sequence[str] | None = None


DESKTOP: Final = Screen("desktop", 1280, 900)
DARK: Final = Screen("dark", 1280, 900, "dark", rules=_COLOURS)
PHONE: Final = Screen("phone", 390, 844, rules=_WIDTH)
SCREENS: Final = (DESKTOP, DARK, PHONE)


async def show_on(tab: Tab, screen: Screen) -> None:
    """Change the window and the colours, and wait until the page is drawn."""
    await tab.page.emulate_media(color_scheme=screen.colours)
    size = tab.page.viewport_size
    if size != {"width": screen.width, "height": screen.height}:
        await tab.page.set_viewport_size({"width": screen.width, "height": screen.height})
    await tab.page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


async def remove_repeated(tab: Tab, selector: str) -> None:
    """Remove elements that repeat others, and drawings, whose contrast axe cannot know.

    The time of axe grows with the number of elements, also of those that it is to leave out.
    """
    remove = "(all) => document.querySelectorAll(all).forEach((each) => each.remove())"
    await tab.page.evaluate(remove, f"svg *, {selector}" if selector else "svg *")


async def find_violations(tab: Tab, screen: Screen) -> list[str]:
    """Return what axe finds: the rule, its help, and the first elements that violate it."""
    if not await tab.page.evaluate("'axe' in window"):
        await tab.page.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if screen.rules is not None and not RECORDING:
        options["runOnly"] = {"type": "rule", "values": screen.rules}
    found = await tab.page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found["violations"]
    ]


async def record(tab: Tab, name: str, screen: Screen, *, whole: bool) -> Path:
    """Write the picture of a screen as WebP, and return its path."""
    session = await tab.page.context.new_cdp_session(tab.page)
    settings: dict[str, Any] = {"format": "webp", "quality": _QUALITY}
    if whole:
        settings["captureBeyondViewport"] = True
        size = (await session.send("Page.getLayoutMetrics"))["cssContentSize"]
        settings["clip"] = {"x": 0, "y": 0, "scale": 1, **{k: size[k] for k in ("width", "height")}}
    taken = await session.send("Page.captureScreenshot", settings)
    await session.detach()
    path = picture(name, screen)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(base64.b64decode(taken["data"]))
    return path


def picture(name: str, screen: Screen) -> Path:
    """Return the path of a state's picture."""
    return PICTURES / f"{name}-{screen.name}.webp"


def gallery(states: Sequence[str]) -> str:
    """Return the table of ``GALLERY``: a row for each state, with links to its pictures."""
    links = [
        [f"[{screen.name}](../pictures/{name}-{screen.name}.webp)" for screen in SCREENS]
        for name in states
    ]
    rows = [f"| {name} | {', '.join(row)} |" for name, row in zip(states, links, strict=True)]
    return "\n".join(["| State | Pictures |", "|---|---|", *rows, ""])
