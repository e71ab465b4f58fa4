"""The one list of ``LAGESBILD_*`` settings; both doors read it, nothing below them does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from geo.errors import InvalidParameter
from pipelines import wmts
from pipelines.roles import ACCOUNT_ROLES, GROUP

PREFIX = "LAGESBILD_"
FEWEST_CHARACTERS = 8  # different ones in the session secret: "ssss…" is long and no secret
OIDC_NEEDS = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_roles")


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
    session_idle_minutes: float = Field(
        default=60, ge=15, le=1440, description="Minutes without a request that end a session."
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
    basemap: str | None = Field(
        default=None,
        min_length=1,
        description="Background map: a file of `lagesbild basemap build`, or a WMTS address with"
        " {z}, {x} and {y}.",
    )
    basemap_key: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="What opens that address: takes the place of {key}, or goes as Authorization.",
    )
    basemap_attribution: str | None = Field(
        default=None, max_length=200, description="Whom the background map names; for an address."
    )
    secrets_dir: Path | None = Field(
        default=None,
        description="Folder with one file for each secret, named as its variable.",
    )
    open_role: str | None = Field(
        default=None,
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="PostgreSQL role without rights to events; other readers than analysts get it.",
    )
    public_view: bool = Field(
        default=False, description="Show the release to anybody, without signing in."
    )
    contact: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Whom readers ask: in the help, in print and in the accessibility report.",
    )
    audit_anchor: Path | None = Field(
        default=None, description="File outside the database that keeps the log's last digest."
    )
    signing_key: Path | None = Field(
        default=None, description="File of the private key that exported releases are signed with."
    )
    trusted_keys: str | None = Field(
        default=None,
        min_length=1,
        description="Whose releases are taken in: name=lb-key1:...;name=lb-key1:...",
    )
    oidc_issuer: str | None = Field(
        default=None,
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])",
        description="The organisation's own sign-in service (OpenID Connect).",
    )
    oidc_client_id: str | None = Field(
        default=None, min_length=1, description="This installation's name at that service."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, min_length=1, description="This installation's secret at that service."
    )
    oidc_group_claim: str = Field(
        default="groups", min_length=1, description="The claim that lists a person's groups."
    )
    oidc_roles: Annotated[dict[str, str] | None, NoDecode] = Field(
        default=None,
        min_length=1,
        description="Which group has which role: group=role;group=role, or JSON. The first fits.",
    )
    oidc_label: str | None = Field(
        default=None, max_length=60, description="What the button on the sign-in page says."
    )

    @field_validator("session_secret")
    @classmethod
    def _not_weak(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(set(secret.get_secret_value())) < FEWEST_CHARACTERS:
            raise ValueError("weak")
        return secret

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _mapping(cls, written: object) -> object:
        """Read ``group=role;group=role``; a group's own name may hold an equals sign."""
        if not isinstance(written, str):
            return written
        if written.lstrip().startswith("{"):
            return json.loads(written)
        pairs = [part.rpartition("=") for part in written.split(";") if part.strip()]
        return {group.strip(): role.strip() for group, _, role in pairs}

    @field_validator("oidc_roles")
    @classmethod
    def _known_roles(cls, roles: dict[str, str] | None) -> dict[str, str] | None:
        for group, role in (roles or {}).items():
            if not group or role not in ACCOUNT_ROLES or role == GROUP:
                raise ValueError("role")  # the group's members have accounts that end
        return roles

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_others: PydanticBaseSettingsSource,
        **named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment speak first, then the files of the secrets' folder."""
        folder = os.environ.get(variable("secrets_dir"))
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=folder)
        return named["init_settings"], named["env_settings"], secrets

    @property
    def basemap_address(self) -> str | None:
        """Give the background map's address; None where it is a file, or there is none."""
        return self.basemap if self.basemap and "://" in self.basemap else None

    @property
    def oidc(self) -> bool:
        """Tell whether people sign in at their organisation's own service."""
        return self.oidc_issuer is not None


def variable(field: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + field.upper()


def load() -> Settings:
    """Read the settings from the environment, and secrets from their folder if there is one.

    Raises
    ------
    InvalidParameter
        A variable or a secret's file begins with ``LAGESBILD_`` and is none of ours, so that a
        typo cannot pass (``unknown-setting``); a value cannot be used (``invalid-setting``); a
        setting needs another one that is not there (``setting-missing``); the background map's
        address is none (``basemap-address-unusable``, ``basemap-key-missing``).
    """
    folder = os.environ.get(variable("secrets_dir"))
    if folder is not None and not Path(folder).is_dir():
        raise InvalidParameter("invalid-setting", name=variable("secrets_dir"))
    files = [] if folder is None else [file.name for file in Path(folder).iterdir()]
    _refuse_unknown([*os.environ, *files])
    try:
        settings = Settings()
    except ValidationError as fault:
        field = str(fault.errors()[0]["loc"][0])
        raise InvalidParameter("invalid-setting", name=variable(field)) from None
    if settings.geocoder_kind != "none" and settings.geocoder_url is None:
        raise InvalidParameter("setting-missing", name=variable("geocoder_url"))
    _check_basemap(settings)
    if any(getattr(settings, field) is not None for field in OIDC_NEEDS):
        for field in OIDC_NEEDS:
            if getattr(settings, field) is None:
                raise InvalidParameter("setting-missing", name=variable(field))
    return settings


def _check_basemap(settings: Settings) -> None:
    """Refuse an address of a map service that cannot be used, or one that names nobody."""
    if settings.basemap_address is not None:
        wmts.check(settings.basemap_address, settings.basemap_key)
        if settings.basemap_attribution is None:
            raise InvalidParameter("setting-missing", name=variable("basemap_attribution"))


def _refuse_unknown(names: list[str]) -> None:
    known = {variable(field) for field in Settings.model_fields}
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise InvalidParameter("unknown-setting", name=name, known=", ".join(sorted(known)))
