"""``lagesbild basemap``: the background map of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from geo.errors import InvalidParameter
from pipelines import basemap, basemap_build, settings
from pipelines.basemap_build import Ground, Origin
from pipelines.commands.door import opened, rows_shown, say
from pipelines.texts import text
from store import places

app = typer.Typer(help="Bakgrundskarta: gator, hus, vatten och grönt.", no_args_is_help=True)

MEGABYTE = 1_000_000


@app.command()
def build(
    files: Annotated[
        list[Path],
        typer.Argument(help="Utdrag ur OpenStreetMap (.osm.pbf), GeoPackage eller PMTiles."),
    ],
    out: Annotated[Path, typer.Option(help="Ny fil.")] = Path("var/bakgrund.gpkg"),
    attribution: Annotated[
        str, typer.Option(help="Vem kartan kommer från, som det ska stå på den.")
    ] = "",
    date: Annotated[
        str, typer.Option(help="Vilken dag källan är från, ÅÅÅÅ-MM-DD; annars filens egen.")
    ] = "",
) -> None:
    """Gör en bakgrundskarta över kommunen av kartfiler från andra."""
    made = "" if not date else basemap_build.day(date)
    with opened() as store, store.read() as connection:
        profile = places.profile(connection)
    with rows_shown(quiet=False) as progress:
        try:
            about = basemap_build.build(
                files, out, Ground.of(profile), Origin(attribution, made), progress
            )
        except InvalidParameter as fault:
            if fault.code == "basemap-nothing-here":
                raise InvalidParameter(fault.code, **fault.values, place=profile.label) from None
            raise
    size = f"{out.stat().st_size / MEGABYTE:.1f}"
    said = {"attribution": about.attribution, "made": about.made}
    say("basemap-built", file=out.name, size=size, shapes=basemap.read(out).size, **said)
    say("basemap-set", path=out.resolve())
