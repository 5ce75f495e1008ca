"""Spikes: more talk than is normal for that hour of the week, noticed while it happens."""
