"""Errors that only the HTTP door knows; `app.problems` gives each one its answer.

::

    LagesbildError
    ├── SignInRequired     nobody is signed in and no valid key was sent
    ├── NotAllowed         somebody is signed in but may not do this
    ├── TooManyAttempts    too many sign-ins tried in a short time
    └── BodyTooLarge       the request carries more than this door takes
"""

from __future__ import annotations

from geo.errors import LagesbildError


class SignInRequired(LagesbildError):
    """Nobody is signed in and no valid key was sent."""


class NotAllowed(LagesbildError):
    """Somebody is signed in but may not do this."""


class TooManyAttempts(LagesbildError):
    """Too many sign-ins tried in a short time; carries `seconds` to wait."""


class BodyTooLarge(LagesbildError):
    """The request carries more than this door takes."""
