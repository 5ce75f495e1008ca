"""Runs ``rapport`` commands one after the other, so that a test pays for Django's start once.

Reads ``{"arguments": [...], "stdin": "..."}`` or ``{"script": "Python"}`` a line, answers ``{"code": n, "out": "...", "err": "..."}``.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback

from click.testing import CliRunner

from rapport.cli.main import run
from rapport.cli.runtime import django_ready


def run_command(arguments: list[str], stdin: str) -> dict[str, object]:
    result = CliRunner().invoke(run, arguments, input=stdin, prog_name="rapport")
    error = result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        error += "".join(traceback.format_exception(result.exception))
    return {"code": result.exit_code, "out": result.stdout, "err": error}


def run_script(script: str) -> dict[str, object]:
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), django_ready(check_migrations=False):
            exec(compile(script, "script", "exec"), {})
    except Exception:
        return {"code": 1, "out": out.getvalue(), "err": traceback.format_exc()}
    return {"code": 0, "out": out.getvalue(), "err": ""}


def main() -> None:
    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        if "script" in asked:
            answer = run_script(asked["script"])
        else:
            answer = run_command(asked["arguments"], asked["stdin"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
