from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "rapport.outbox"
    label = "outbox"

    def ready(self) -> None:
        # Models cannot be read in before every app is known.
        from rapport.inbox import hanging
        from rapport.outbox import draft_joining

        hanging.RULES["drafts"] = hanging.Rule(draft_joining.joined, draft_joining.parted)
