"""What every command shares: settings, the store, the clock, and how things are said."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipelines import locator, online_geocoder, settings
from pipelines.texts import text
from store import places, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.online_geocoder import Geocoder
    from store.db import Store

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def now() -> datetime:
    """Tell the time; the only place below the doors that does."""
    return datetime.now(UTC)


@contextmanager
def opened() -> Iterator[Store]:
    """Open the configured store, with its schema checked."""
    store = schema.open_store(settings.load().database_url)
    try:
        yield store
    finally:
        store.close()


def geocoder(store: Store) -> Geocoder | None:
    """Connect to the installation's own geocoding server; None unless one is configured."""
    chosen = settings.load()
    if chosen.geocoder_kind == "none" or chosen.geocoder_url is None:
        return None
    with store.read() as connection:
        profile = places.profile(connection)
    return online_geocoder.connect(
        chosen.geocoder_kind,
        chosen.geocoder_url,
        chosen.geocoder_user_agent,
        envelope=profile.envelope,
        to_metres=locator.to_metres(profile),
    )


def say(code: str, /, **values: object) -> None:
    """Print a sentence."""
    console.print(text(code, **values), markup=False)


def print_json(value: dict[str, Any] | list[Any]) -> None:
    """Print a value for scripts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


@contextmanager
def rows_shown(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show the number of rows read while they are read, on a terminal only."""
    if quiet or not errors.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(text("progress-reading", rows=0))
        yield lambda rows: progress.update(task, description=text("progress-reading", rows=rows))


@contextmanager
def steps_shown(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the step at work, on a terminal only."""
    if quiet or not errors.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(text("step-start"))
        yield lambda step: progress.update(task, description=text(f"step-{step}"))
