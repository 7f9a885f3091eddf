"""Fixtures for tests in a real JupyterLab: `lab`, one server for the run, and `open_notebook`, pages on it.

A page's own errors and requests that would leave the machine fail the test during which they happened.
"""

import os

import pytest

from tests.browser.real_lab import CHROMIUM_ARGS, Lab
from tests.prove import find_browser

NO_PLAYWRIGHT = "Playwright is not installed: `pip install -e .[test]`"
NO_BROWSER = "no Chromium found: install one, or let COURSE_CHROMIUM name its program"


def _without_browser(reason):
    """Skip on a learner's machine; fail where a green run must mean that the browser was there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser():
    """Playwright's Chromium, headless."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without_browser(NO_PLAYWRIGHT)
    chromium = find_browser()
    if chromium is None:
        _without_browser(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(browser):
    """A running JupyterLab on a copy of the notebooks; `lab.root` is the served folder, `lab.workspace` the learner's."""
    with Lab(browser) as lab:
        lab.notebooks = []
        yield lab


@pytest.fixture(scope="module")
def open_notebook(lab):
    """Function that opens a path, an nbformat notebook or a list of cell sources; closed when the module's tests are done."""
    mine = []

    def open_one(notebook, **options):
        opened = lab.open(notebook, **options)
        mine.append(opened)
        lab.notebooks.append(opened)
        return opened

    yield open_one
    for opened in mine:
        lab.notebooks.remove(opened)
        opened.close()


@pytest.fixture(autouse=True)
def nothing_goes_wrong_unseen(request):
    """After each test: no error on a page, none in its console, no request outside the machine."""
    yield
    if "lab" in request.fixturenames:
        for opened in request.getfixturevalue("lab").notebooks:
            opened.check()
