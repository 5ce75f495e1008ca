"""Rounds of ``kill -9`` on a real instance, and a check that nothing was lost and nothing done twice.

``python -m tests.crash --rounds N [--write docs/reliability.md]``
"""
