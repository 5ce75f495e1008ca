"""Letting the app hear a page: without this Meta sends no webhook, whatever the app's dashboard says.

https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
"""

from __future__ import annotations

from collections.abc import Sequence

from rapport.networks.errors import Refused
from rapport.networks.meta.graph import Graph
from rapport.networks.meta.values import data, text


def subscribe(graph: Graph, *, app_id: str, fields: Sequence[str]) -> bool:
    """See that the page tells our app of ``fields``; asked only when it does not yet. False: not permitted.

    Repeating it does no harm.
    """
    try:
        for app in data(graph.get("me/subscribed_apps", fields="id,subscribed_fields")):
            told = app.get("subscribed_fields")
            if (
                text(app, "id") == app_id
                and isinstance(told, list)
                and set(fields) <= {str(one) for one in told}
            ):
                return True
        graph.post("me/subscribed_apps", form={"subscribed_fields": ",".join(fields)}, writes=False)
    except Refused:
        return False
    return True
