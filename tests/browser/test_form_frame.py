"""A contact form inside another website, as its visitors meet it: nobody is logged in, and no cookie comes along."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@contextmanager
def _website() -> Iterator[tuple[str, dict[str, str]]]:
    """A site at 127.0.0.1, which for a browser is another one than ours at localhost; and what it shows."""
    pages: dict[str, str] = {}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()


def test_a_form_inside_a_website_is_filled_and_no_other_website_may_show_it(
    open_desk: Opener, chromium: Browser
) -> None:
    name, words = f"Framed help {uuid4().hex[:6]}", f"My bag stayed in Split {uuid4().hex[:6]}"
    with _website() as (site, pages), _website() as (stranger, strange_pages):
        desk = open_desk("ada@example.com", "/channels/connect/webform/?brand=aero-test")
        desk.get_by_role("textbox", name="Name", exact=True).fill(name)
        desk.get_by_text("More settings").click()
        desk.get_by_label("Websites that show it").fill(site)
        desk.get_by_role("button", name="Check it").click()
        desk.get_by_role("button", name=f"Connect {name}").click()
        expect(desk.get_by_text(f"{name} is connected.")).to_be_visible()
        pages["/"] = strange_pages["/"] = desk.locator("#form-embed").input_value()

        context = chromium.new_context()
        context.set_default_timeout(PATIENCE_MS)
        visitor = context.new_page()
        visitor.goto(f"{site}/")
        form = visitor.frame_locator("iframe")
        form.get_by_label("Message").fill(words)
        form.get_by_label("Your name").fill("Ana Weber")
        form.get_by_label("Your e-mail address").fill("ana@example.com")
        visitor.wait_for_timeout(2_500)  # who sends a form within two seconds is a program
        form.get_by_role("button", name="Send message").click()
        expect(form.get_by_role("heading", name="Your message was sent")).to_be_visible()
        visitor.goto(f"{stranger}/")
        expect(form.get_by_label("Message")).to_have_count(0)
        context.close()
        desk.goto("/desk/all/")
        expect(desk.locator("#rows li.row", has_text=words)).to_be_visible()
