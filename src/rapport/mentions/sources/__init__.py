"""What can be listened to without a channel of ours: one module for each kind, one table of all (``registry.py``)."""
