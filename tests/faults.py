"""Faults on purpose: the nth statement to a database fails, one n after another."""

import itertools

import sqlalchemy as sa

from geo.errors import LagesbildError


class Trip:
    """Let the nth statement to any database fail as if a disk were full."""

    def __init__(self, nth):
        self.left = nth

    def __enter__(self):
        sa.event.listen(sa.Engine, "before_cursor_execute", self.count)

    def __exit__(self, *_):
        sa.event.remove(sa.Engine, "before_cursor_execute", self.count)

    def count(self, *_):
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")


def failing(attempt, step, unchanged):
    """Let an attempt fail at one statement after another; give the one at which it succeeds."""

    def succeeds(nth):
        try:
            with Trip(nth):
                attempt()
        except (LagesbildError, OSError):
            assert unchanged()
            return False
        return True

    return next(nth for nth in itertools.count(1, step) if succeeds(nth))
