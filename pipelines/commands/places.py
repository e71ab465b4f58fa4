"""``lagesbild places``: the place profile and its places."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import places
from pipelines.commands.door import console, opened, say
from pipelines.places import KINDS, PlaceImport
from store import places as stored

app = typer.Typer(
    help="Platsprofil: områden, skolor, krogar, platser, adresser.", no_args_is_help=True
)


@app.command()
def load(
    profile: Annotated[str, typer.Argument(help="Profilens namn eller mapp.")] = "eskilstuna",
) -> None:
    """Läs in en platsprofil i stället för den som gäller."""
    with opened() as store:
        loaded = places.load(store, profile)
    say("places-loaded", profile=profile, entries=loaded.entries, derived=loaded.derived)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="GeoJSON, GeoPackage eller Shapefile; punkter även som CSV.")
    ],
    kind: Annotated[str, typer.Option(help=f"Vad filen håller: {', '.join(KINDS)}.")],
    area_kind: Annotated[
        str, typer.Option(help="För områden: priority, nightlife, district eller municipality.")
    ] = "priority",
    name_column: Annotated[str, typer.Option(help="Kolumnen med områdets namn.")] = "",
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Ersätt alla av samma slag.")] = False,
) -> None:
    """Lägg till eller ersätt platser från en fil."""
    wanted = PlaceImport(file, kind, area_kind, name_column, replace)
    with opened() as store:
        loaded = places.import_file(store, wanted)
    say("places-imported", file=file.name, entries=loaded.entries, derived=loaded.derived)


@app.command("list")
def list_() -> None:
    """Visa profilen och vad den håller."""
    with opened() as store, store.read() as connection:
        profile = stored.profile(connection)
        say("places-profile", label=profile.label, epsg=profile.metric_epsg)
        for area in stored.areas(connection):
            console.print(f"  {area.kind:<13} {area.name}  ({area.source})", markup=False)
        counts = {
            "schools": len(stored.facilities(connection, "school")),
            "venues": len(stored.facilities(connection, "venue")),
            "places": len(stored.named_places(connection)),
            "addresses": len(stored.addresses(connection)),
        }
    say("places-counts", **counts)
