"""``lagesbild basemap``: the background map of one's own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pipelines import basemap, basemap_build, settings
from pipelines.basemap_build import Ground, Origin
from pipelines.commands.door import opened, rows_shown, say
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
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Källans dag, ÅÅÅÅ-MM-DD; annars filens egen."),
    ] = None,
) -> None:
    """Gör en bakgrundskarta över kommunen av kartfiler från andra."""
    with opened() as store, store.read() as connection:
        ground = Ground.of(places.profile(connection))
    said = Origin(attribution, "" if date is None else date.date().isoformat())
    with rows_shown(quiet=False) as progress:
        about = basemap_build.build(files, out, ground, said, progress)
    say(
        "basemap-built",
        file=out.name,
        size=f"{out.stat().st_size / MEGABYTE:.1f}",
        shapes=sum(basemap.read(out).sizes().values()),
        attribution=about.attribution,
        made=about.made,
    )
    say("basemap-set", path=out.resolve())


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="Bakgrundskarta; annars den som är inställd.")
    ] = None,
) -> None:
    """Visa vad en bakgrundskarta håller och vem den namnger."""
    chosen = settings.load()
    if file is None and chosen.basemap_address is not None:
        host = urlsplit(chosen.basemap_address).hostname
        say("basemap-service", host=host, attribution=chosen.basemap_attribution)
        return
    path = file or (None if chosen.basemap is None else Path(chosen.basemap))
    if path is None:
        say("basemap-none")
        return
    found = basemap.read(path)
    about = found.about
    said = {"attribution": about.attribution, "made": about.made, "epsg": about.epsg}
    say("basemap-told", file=path.name, **said)
    for layer, shapes in found.sizes().items():
        say("basemap-layer", layer=layer, shapes=shapes)
