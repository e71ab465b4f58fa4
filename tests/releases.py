"""Releases put together by hand, for tests of what is read out of them."""

from dataclasses import replace
from datetime import UTC, datetime

from store.releases import Header, digest_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def release(*parts, **settings):
    """Give parts the header of a release in force, as it is kept: sealed with their digest."""
    header = Header(
        number=1,
        house="Provstad",
        created_at=NOW,
        activated_at=NOW,
        active=True,
        digest="",
        previous="",
        settings={"k": 5, **settings},
        synthetic=True,
        code_version="1",
        audit=None,
        signature=None,
        signed_by=None,
    )
    return replace(header, digest=digest_of(header, parts)), parts
