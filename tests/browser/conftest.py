"""Pages as a real browser shows them: headless Chromium, which the machine has and nobody downloads."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 120
"""For whatever the browser is asked to do: a busy machine takes its time, and no test here is about clocks."""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True, slots=True)
class Chromium:
    """One running browser; every page is opened in a profile of its own, without a network."""

    browser: Browser

    @contextlib.contextmanager
    def opened(
        self, path: Path, *, size: tuple[int, int] = (1280, 800), dark: bool = False, javascript: bool = True
    ) -> Iterator[Page]:
        """Open a file, with `#...` behind its name or not, in a window of `size` CSS pixels.

        Raises AssertionError at the end where the page logged an error or asked for anything but itself.
        """
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            offline=True,
        )
        context.set_default_timeout(1000 * _SECONDS)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        with contextlib.closing(context):
            page = context.new_page()
            complaints = watch(page, path.resolve().as_uri())
            page.goto(path.resolve().as_uri())
            yield page
            assert complaints == []


def watch(page: Page, address: str) -> list[str]:
    """Return a list that fills with what a page should not do: log an error or a warning, throw, ask for a file."""
    complaints: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            complaints.append(f"console {message.type}: {message.text}")

    def thrown(error: Error) -> None:
        complaints.append(f"page error: {error}")

    def asked(request: Request) -> None:
        if request.url.partition("#")[0] != address and not request.url.startswith("data:"):
            complaints.append(f"request: {request.url}")

    page.on("console", logged)
    page.on("pageerror", thrown)
    page.on("request", asked)
    return complaints


@pytest.fixture(scope="module")  # while it lives, its event loop is in the way of every other in this process
def chromium() -> Iterator[Chromium]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        there_is_no("playwright: pip install -r requirements.txt")
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        there_is_no(f"Chromium: none of {', '.join(_NAMES)} is on PATH; apt-get install chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses to work for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments, timeout=1000 * _SECONDS)
        with contextlib.closing(browser):
            yield Chromium(browser)


def there_is_no(what: str) -> None:
    """Skip, in so many words."""
    pytest.skip(f"no {what}")


@pytest.fixture
def browse(chromium: Chromium) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page as `Chromium.opened` does; complaints are errors when the test has ended."""
    with contextlib.ExitStack() as until_the_end:
        yield lambda path, **looks: until_the_end.enter_context(chromium.opened(path, **looks))


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """Give a function that returns what axe-core finds wrong with a page for people who cannot see or point."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": _RULES}}

    def found(page: Page) -> list[str]:
        broken: list[dict[str, Any]] = axe.run(page, options=options).response["violations"]
        return [
            f"{rule['impact']} {rule['id']}: {rule['help']}: {node['target']} {node['html'][:200]}"
            for rule in broken
            for node in rule["nodes"][:5]
        ]

    return found
