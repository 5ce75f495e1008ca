"""Names that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_matches(wanted: str, names: Iterable[str]) -> str:
    """The end of a sentence that says a name is unknown: ``. Did you mean A or B?``, or just a full stop."""
    by_folded = {name.casefold(): name for name in names}
    folded = wanted.casefold()
    close = difflib.get_close_matches(folded, by_folded, n=3, cutoff=0.6)
    close += [name for name in by_folded if folded and folded in name and name not in close]
    if not close:
        return "."
    return f". Did you mean {' or '.join(by_folded[name] for name in close[:3])}?"
