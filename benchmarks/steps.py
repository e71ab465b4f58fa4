"""A stop watch for the steps of a measured run."""

from __future__ import annotations

import time


class Steps:
    """Seconds between the beginnings of named steps."""

    def __init__(self) -> None:
        """Wait for the first step."""
        self.seconds: dict[str, float] = {}
        self._name = ""
        self._began = 0.0

    def begin(self, name: str) -> None:
        """End the step that is running and begin the next."""
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._began
        self._name, self._began = name, now

    def end(self) -> dict[str, float]:
        """End the step that is running; give the seconds of all."""
        self.begin("")
        return self.seconds
