"""Instagram's side of the double that both of Meta's networks share."""

from rapport.networks.meta.tests.double import Double

__all__ = ["Double"]
