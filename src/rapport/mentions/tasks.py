"""What mentions ask for as jobs: cases that rules open, the past of a query, what a new mute sets aside."""

from __future__ import annotations

from procrastinate.contrib.django import app

from rapport.mentions import rules


@app.task(name=rules.TASK, queue=rules.QUEUE)
def open_cases(wanted: list[tuple[int, int]]) -> None:
    """Open the cases of mentions that rules asked for. Running it twice opens each once."""
    rules.open_cases(wanted)
