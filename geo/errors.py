"""What can go wrong, in the field's words.

::

    LagesbildError
    ├── InvalidParameter      a value the caller gave cannot be used
    ├── TooFewObservations    a statistic is undefined for so little data
    ├── UnreadableFile        a file cannot be read as what it claims to be
    ├── NotFound              something named does not exist
    ├── Conflict              the request collides with what is already stored
    ├── StoreUnavailable      the database cannot be reached or is busy
    └── SchemaMismatch        the database's schema is not the code's

An error carries a message *code* and the *values* that belong in the sentence. The two doors
(the command line and HTTP) hold the sentences themselves, so that no inner package decides in
which language somebody reads them.
"""

from __future__ import annotations


class LagesbildError(Exception):
    """A domain error: a kebab-case message code and the values of its sentence."""

    def __init__(self, code: str, /, **values: object) -> None:
        """Keep the code and its values; the sentence is made at the door."""
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        """Show code and values for developers and logs."""
        shown = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.code} ({shown})" if shown else self.code


class InvalidParameter(LagesbildError):
    """A value the caller gave cannot be used."""


class TooFewObservations(LagesbildError):
    """A statistic is undefined for so little data."""


class UnreadableFile(LagesbildError):
    """A file cannot be read as what it claims to be."""


class NotFound(LagesbildError):
    """Something named does not exist."""


class Conflict(LagesbildError):
    """The request collides with what is already stored."""


class StoreUnavailable(LagesbildError):
    """The database cannot be reached or is busy."""


class SchemaMismatch(LagesbildError):
    """The database's schema is older or newer than the code."""
