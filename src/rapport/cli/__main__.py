"""``python -m rapport.cli``: the command without its script, for processes that start one another."""

from rapport.cli.main import run

run(prog_name="rapport")
