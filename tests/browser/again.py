"""Before a test is tried again: what its last try left open is closed, so that its words mean one case again."""

from __future__ import annotations

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from django.utils import timezone

    from rapport.inbox.models import Case, CaseStatus, CloseReason

    # But not what all tests of a script look at, and none writes to: see scripts_world.py.
    Case.objects.filter(status=CaseStatus.OPEN).exclude(brand__slug__endswith="-test").update(
        status=CaseStatus.CLOSED, closed_at=timezone.now(), close_reason=CloseReason.NO_REPLY_NEEDED
    )


if __name__ == "__main__":
    main()
