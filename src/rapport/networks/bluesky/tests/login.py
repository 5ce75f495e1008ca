"""Logging in at the network's own page, as a browser does: the page, its cookies, and the calls of its script."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

_API = "/@atproto/oauth-provider/~api"
_PAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def log_in(url: str, handle: str, password: str, *, allow: bool = True) -> str:
    """The address with which the browser comes back to us."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    with httpx.Client(trust_env=False, timeout=20) as browser:
        cookies: dict[str, str] = {}

        def call(path: str, body: Any) -> Any:
            headers = {
                "Sec-Fetch-Site": "same-origin",
                "Sec-Fetch-Mode": "same-origin",
                "Origin": origin,
                "Referer": url,
                "X-CSRF-Token": cookies["csrf-token"],
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            }
            answer = browser.post(f"{origin}{_API}{path}", json=body, headers=headers)
            _keep(cookies, answer)
            assert answer.status_code == 200, answer.text
            return answer.json()

        page = browser.get(url, headers=_PAGE)
        assert page.status_code == 200, page.text
        _keep(cookies, page)
        signed = call(
            "/sign-in", {"username": handle, "password": password, "locale": "en", "remember": True}
        )
        sub = signed["account"]["sub"]
        back = call("/consent", {"sub": sub}) if allow else call("/reject", {})
        # A page of the server's own sends the browser on, once, for its cookies' sake.
        on = {**_PAGE, "Sec-Fetch-Site": "same-origin", "Referer": url}
        on["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        last = browser.get(back["url"], headers=on)
    assert last.is_redirect, last.text
    return last.headers["Location"]


def _keep(cookies: dict[str, str], answer: httpx.Response) -> None:
    """Cookies for a secure place: browsers count this machine as one, the client library does not."""
    for line in answer.headers.get_list("set-cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name] = value
