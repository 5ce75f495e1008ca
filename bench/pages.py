"""Pages as a browser meets them: Lighthouse's marks, and how soon a list of 500 cases answers a key.

``python -m bench pages``. Lighthouse comes from npm by the lock file in ``lighthouse/``; Chromium must be here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, sync_playwright
from tests.browser.conftest import CHROMIUM_ARGS, running
from tests.browser.many import AGENT
from tests.browser.world import PASSWORD
from tests.crash.instance import free_port
from tests.npm import node_modules

from bench.place import table

CASES = 500
SLOWER = 4
PRESSES = 40
# Lighthouse's own names of what it pretends to be.
FORMS = {"desktop": "desktop", "mobile": "phone"}
_KINDS = ("performance", "accessibility", "best-practices")
# Interaction to Next Paint as its definition has it: the longest event of each interaction, input to paint.
_PAINTS = """
    window.paints = {};
    new PerformanceObserver((list) => { for (const one of list.getEntries()) if (one.interactionId)
        window.paints[one.interactionId] = Math.max(window.paints[one.interactionId] ?? 0, one.duration); })
        .observe({ type: "event", durationThreshold: 16, buffered: true });
"""
_SETTLED = "() => new Promise((done) => requestIdleCallback(() => requestAnimationFrame(() => done(true)), {timeout: 1000}))"


def run(*, runs: int = 3) -> str:
    """Measure, and return a section of Markdown."""
    modules = node_modules(Path(__file__).parent / "lighthouse", "lighthouse")
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder, running(Path(folder)) as (url, env):
        subprocess.run(
            [sys.executable, "-m", "tests.browser.many", str(CASES)],
            env=env, check=True, cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        port = free_port()
        with sync_playwright() as playwright:
            # Lighthouse looks with the browser that is logged in. A cookie that is only added to its requests is
            # lost by some of them, and what it marks then is a page that says one is logged out.
            context = playwright.chromium.launch_persistent_context(
                Path(folder) / "browser",
                executable_path=_chromium(),
                args=[*CHROMIUM_ARGS, f"--remote-debugging-port={port}"],
                base_url=url,
                viewport={"width": 1280, "height": 800},
            )
            page = _logged_in(context)
            case = page.locator("#rows a[data-case]").first.get_attribute("href") or ""
            paints = {
                name: _paints(context, rate) for name, rate in (("as it is", 1), (f"{SLOWER}×", SLOWER))
            }
            page.goto("about:blank")
            marks = {
                (name, form): [_marks(modules, f"{url}{path}", port, form) for _ in range(runs)]
                for name, path in (("list", "/desk/all/"), ("thread", case), ("settings", "/account/"))
                for form in FORMS
            }
            context.close()
    for key, found in marks.items():
        print(*key, found, flush=True)
    print(paints, flush=True)
    rows = [
        [name, FORMS[form], *(_spread([one[kind] for one in found]) for kind in _KINDS)]
        for (name, form), found in marks.items()
    ]
    keys = [
        [
            name,
            str(len(found)),
            *(f"{found[min(len(found) - 1, int(q * len(found)))]:.0f}" for q in (0.5, 0.98, 1)),
        ]
        for name, found in paints.items()
    ]
    return (
        "## Pages in a browser\n\n"
        f"Lighthouse's marks of 100 for a page of an agent with {CASES} open cases, lowest of {runs} runs and median. On a "
        "phone it pretends a processor four times slower and a line of slow 4G. Server and browser share the machine.\n\n"
        + table(["page", "as", *_KINDS], rows)
        + f"\n\nInteraction to next paint in ms on the list of {CASES} cases, all of them shown: walking with `j`, picking "
        "with `x`, opening the menu of commands; the browser at its own speed and four times slower.\n\n"
        + table(["processor", "interactions", "median", "p98", "worst"], keys)
        + "\n"
    )


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:.0f} / {ordered[len(ordered) // 2]:.0f}"


def _chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit(
            "Pages are measured in Chromium, and there is none here. Debian: apt-get install chromium"
        )
    return found


def _logged_in(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", AGENT)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/**")
    page.goto("/desk/all/")
    page.locator("#rows a[data-case]").first.wait_for()
    return page


def _paints(context: BrowserContext, rate: int) -> list[float]:
    """Milliseconds of each interaction, sorted, with the processor ``rate`` times slower."""
    page = context.new_page()
    page.add_init_script(_PAINTS)
    page.goto("/desk/all/")
    rows = page.locator("#rows > li.row")
    while rows.count() < CASES:
        shown = rows.count()
        rows.last.scroll_into_view_if_needed()
        rows.nth(shown).wait_for()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    rows.first.locator("a[data-case]").focus()
    page.evaluate(_SETTLED)
    page.evaluate("window.paints = {}")
    for number in range(PRESSES):
        for key in ("j", "x") if number % 4 == 3 else ("j",):
            page.keyboard.press(key)
            page.evaluate(_SETTLED)
    page.keyboard.press("Control+k")
    page.evaluate(_SETTLED)
    found: dict[str, float] = page.evaluate("window.paints")
    page.close()
    return sorted(found.values())


def _marks(modules: Path, url: str, port: int, form: str) -> dict[str, float]:
    """Lighthouse's marks of 100 by kind, looking with the browser at that port."""
    done = subprocess.run(
        [
            "node", str(modules / "lighthouse" / "cli" / "index.js"), url, "--quiet", "--output=json",
            f"--only-categories={','.join(_KINDS)}", f"--port={port}",
            *(["--preset=desktop"] if form == "desktop" else []),
        ],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"Lighthouse failed: {done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    assert urlsplit(report["finalDisplayedUrl"]).path == urlsplit(url).path, report["finalDisplayedUrl"]
    for kind in _KINDS:
        for one in report["categories"][kind]["auditRefs"]:
            audit = report["audits"][one["id"]]
            if one["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                print(
                    f"  {form} {urlsplit(url).path}: {one['id']} {audit['score']} {audit.get('displayValue', '')}",
                    flush=True,
                )
    return {kind: report["categories"][kind]["score"] * 100 for kind in _KINDS}
