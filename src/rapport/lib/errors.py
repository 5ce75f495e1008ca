"""What an action raises when it cannot do what was asked. Views and commands turn these into words."""

from __future__ import annotations


class ActionError(Exception):
    """Base of all of them; ``str(error)`` is fit for a person to read."""


class NotFound(ActionError):
    """It does not exist, or the person asking may not know that it does."""


class NotAllowed(ActionError):
    """The person may see it but not do this."""


class Invalid(ActionError):
    """What was given cannot be used; the text says what to change."""


class Conflict(ActionError):
    """It changed since the person looked; nothing was done."""
