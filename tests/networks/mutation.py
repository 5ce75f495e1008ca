"""Payloads as a hostile or changed network would send them: one thing in a good one replaced."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["0", "-1", "9" * 400, "\0", "‮", "2026-13-45T99:99:99Z", "javascript:alert(1)", "<b", "{}"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, by the keys that lead there."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += places(inner, (*path, number))
    return found


@st.composite
def mutated(draw: st.DrawFn, payload: Any) -> Any:
    """``payload`` with one to three of its places replaced, removed or doubled."""
    value = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 3))):
        spots = places(value)
        if not spots:
            return draw(JSON)
        path = draw(st.sampled_from(spots))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "wrap"])):
            case "replace":
                holder[path[-1]] = draw(JSON)
            case "remove":
                del holder[path[-1]]
            case "wrap":
                holder[path[-1]] = [holder[path[-1]]] * 2
    return value
