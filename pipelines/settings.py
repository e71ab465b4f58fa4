"""The one list of ``LAGESBILD_*`` settings; both doors read it, nothing below them does."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from geo.errors import InvalidParameter

PREFIX = "LAGESBILD_"


class Settings(BaseSettings):
    """What an installation decides, read once when a door opens."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///var/lagesbild.gpkg",
        min_length=1,
        description="Where the store is: sqlite:///FILE.gpkg or postgresql+psycopg://...",
    )
    session_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Signs the session cookie; the HTTP door does not start without it.",
    )
    session_hours: float = Field(
        default=10, gt=0, le=168, description="Hours after which everybody signs in again."
    )
    cookie_secure: bool = Field(
        default=True, description="Send the session cookie over HTTPS only; off for plain HTTP."
    )
    geocoder_kind: Literal["none", "nominatim", "photon", "pelias"] = Field(
        default="none", description="Kind of the own geocoding server; none stays offline."
    )
    geocoder_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of the own geocoding server."
    )
    geocoder_user_agent: str = Field(
        default="lagesbild",
        min_length=1,
        description="How the geocoding server sees this installation.",
    )


def variable(field: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + field.upper()


def load() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    InvalidParameter
        A variable begins with ``LAGESBILD_`` and is none of ours, so that a typo cannot pass
        (``unknown-setting``); a value cannot be used (``invalid-setting``); a geocoding server
        has a kind but no address (``setting-missing``).
    """
    known = {variable(field) for field in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise InvalidParameter("unknown-setting", name=name, known=", ".join(sorted(known)))
    try:
        settings = Settings()
    except ValidationError as fault:
        field = str(fault.errors()[0]["loc"][0])
        raise InvalidParameter("invalid-setting", name=variable(field)) from None
    if settings.geocoder_kind != "none" and settings.geocoder_url is None:
        raise InvalidParameter("setting-missing", name=variable("geocoder_url"))
    return settings
