"""Before a test is tried again: what its last try left open is closed, so that its words mean one case again."""

from __future__ import annotations

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from django.utils import timezone

    from rapport.inbox.models import Case, CaseStatus, CloseReason
    from tests.browser.scripts_world import SCRIPTS

    # But not what tests only look at, one after the other.
    worlds = [f"{script.name}-test" for script in SCRIPTS]
    Case.objects.filter(status=CaseStatus.OPEN).exclude(brand__slug__in=worlds).update(
        status=CaseStatus.CLOSED, closed_at=timezone.now(), close_reason=CloseReason.NO_REPLY_NEEDED
    )


if __name__ == "__main__":
    main()
