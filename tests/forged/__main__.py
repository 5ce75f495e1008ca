"""``python -m tests.forged 100000``: so many forged requests, spread over every address; counts what came back."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rapport.config.postgres import EmbeddedPostgres

# Addresses that share a world: what a transaction has undone stays in its way until it ends.
_TOGETHER = 10


def _attack(requests_wanted: int, seed: int) -> int:
    """Send them; returns how many addresses failed."""
    from django.db import transaction
    from django.test.utils import setup_test_environment

    from rapport.web.tests.doors_world import make_world
    from tests.forged.attack import TARGETS, attack

    setup_test_environment()
    logging.disable(logging.ERROR)
    each = -(-requests_wanted // len(TARGETS))
    failed, statuses, began = 0, Counter[int](), time.monotonic()
    numbered = list(enumerate(TARGETS))
    for first in range(0, len(numbered), _TOGETHER):
        with transaction.atomic():
            world = make_world()
            for number, (door, method) in numbered[first : first + _TOGETHER]:
                try:
                    attack(
                        world,
                        door,
                        method,
                        examples=each,
                        seed=seed + number,
                        note=lambda status: statuses.update([status]),
                    )
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    failed += 1
                    notes = "\n  ".join(getattr(error, "__notes__", []))
                    print(
                        f"{method} {door.route}: {type(error).__name__}: {str(error)[:600]}\n  {notes[:1500]}",
                        flush=True,
                    )
            transaction.set_rollback(True)
        done = min(first + _TOGETHER, len(numbered))
        print(
            f"{done} of {len(numbered)} addresses, {time.monotonic() - began:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    total = sum(statuses.values())
    print(
        f"{total:,} requests to {len(TARGETS)} addresses in {time.monotonic() - began:.0f} s, {failed} of them with a fault"
    )
    print(", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items())))
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-forged-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder))
        os.environ |= {
            "RAPPORT_DATA": folder,
            "DATABASE_URL": server.start(),
            "DJANGO_SETTINGS_MODULE": "rapport.config.settings",
            "RAPPORT_LOG_LEVEL": "ERROR",
            "RAPPORT_UNDO_SECONDS": "0",
            "RAPPORT_PRIVATE_ADDRESSES": "true",
        }
        try:
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", interactive=False, verbosity=0)
            return 1 if _attack(arguments.requests, arguments.seed) else 0
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
