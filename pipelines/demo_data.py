"""The demonstration's files: SYNTETISKA DATA in the shape of real ones.

A police export, safety-walk notes, an address register and a list of venues, all invented, written
as the real ones arrive: the export in cp1252 with decimal comma, the register with Lantmäteriet's
columns. Most rows carry coordinates, some only an address, a misspelt street, a crossing or an
area, and a handful cannot be used at all, so that geocoding and quarantine have something to show.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import geopandas as gpd
import pyogrio

from pipelines import demo_town
from pipelines.demo_events import YEARS, Calendar, happen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np

    from geo.profile import ReferenceSet
    from pipelines.demo_events import Event
    from pipelines.demo_town import Spot, Town

REGISTER_LAYER: Final = "belagenhetsadress"
REGISTER_GEOMETRY: Final = "adressplatspunkt"
INCIDENT_COLUMNS: Final = (
    *("ID", "BROTTSKOD", "LATITUDE", "LONGITUDE", "GATA", "GATUNR", "KOMMUN"),
    *("BROTTSDATUMTID_START", "BROTTSDATUMTID_SLUT", "INSKRIVNINGSDATUM", "ANTAL"),
)
WALK_COLUMNS: Final = (
    *("Datum", "Vandring", "Område", "Typ", "Allvar", "Ljus"),
    *("Latitud", "Longitud", "Anteckning"),
)
RESERVED_EVERY: Final = 200
FIRST_ID: Final = 100_001
UNKNOWN_CODE: Final = "9999"
FAR_AWAY: Final = ("57,708870", "11,974560")  # Gothenburg

# How a place is written, as cumulative shares of rows.
GIVEN, ADDRESS, MISSPELT, CROSSING, PLACE, STREET, AREA = (
    0.9,
    0.95,
    0.962,
    0.974,
    0.985,
    0.99,
    0.995,
)


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demonstration's files are."""

    incidents: Path
    observations: Path
    addresses: Path
    venues: Path


def write(folder: Path, reference: ReferenceSet, end: date, rng: np.random.Generator) -> DemoFiles:
    """Write three years of invented data that end on `end`, which is included.

    The same `reference`, `end` and state of `rng` give the same files. Existing files of the same
    names are replaced.

    Raises
    ------
    InvalidParameter
        The profile has no priority area or no nightlife core.
    """
    files = DemoFiles(
        incidents=folder / "syntetiska_polisanmalningar.csv",
        observations=folder / "syntetisk_trygghetsvandring.csv",
        addresses=folder / "syntetiska_adresser.gpkg",
        venues=folder / "syntetiska_krogar.csv",
    )
    folder.mkdir(parents=True, exist_ok=True)
    town = demo_town.build(reference, rng)
    calendar = Calendar.until(end, reference.profile.terms)
    reports = _reports(town, happen(town, calendar, rng), (calendar.first, end), rng)
    rows = [(str(FIRST_ID + n), *report.cells) for n, report in enumerate(reports)]
    _write_csv(files.incidents, INCIDENT_COLUMNS, rows, "cp1252")
    _write_csv(files.observations, WALK_COLUMNS, _walks(town, calendar.first, end, rng), "utf-8")
    _write_register(files.addresses, town, reference.profile.metric_epsg)
    venues = [(f"{name} (påhittad)", spot.lon, spot.lat) for name, spot in town.venues]
    lines = [(name, f"{lon:.6f}", f"{lat:.6f}") for name, lon, lat in venues]
    _write_csv(files.venues, ("name", "lon", "lat"), lines, "utf-8")
    return files


def _write_csv(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str
) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        table = csv.writer(file, delimiter=";", lineterminator="\r\n")
        table.writerow(header)
        table.writerows(rows)


def _comma(degrees: float) -> str:
    return f"{degrees:.6f}".replace(".", ",")


# --- the police export -------------------------------------------------------------------------


class _Report(NamedTuple):
    """A row of the export without its id; reports are numbered in the order they were made."""

    registered: date
    cells: tuple[str, ...]


def _reports(
    town: Town, events: Iterable[Event], period: tuple[date, date], rng: np.random.Generator
) -> list[_Report]:
    """Report the events; what is reported after the export was made is not in it."""
    reports = []
    for event in sorted(events, key=lambda event: (event.start, event.code)):
        known = event.end or event.start
        registered = known.date() + timedelta(days=event.delay_days)
        where = _where(event.spot, town, rng)
        if event.start.date() >= period[0] and registered <= period[1]:
            reports.append(_report(event, registered, where))
    return sorted([*reports, *_faulty(town, period)])


def _report(event: Event, registered: date, where: tuple[str, str, str, str]) -> _Report:
    start, end = (when and f"{when:%Y-%m-%d %H:%M}" for when in (event.start, event.end))
    cells = (event.code, *where, "Eskilstuna", start or "", end or "")
    return _Report(registered, (*cells, registered.isoformat(), str(event.count)))


def _where(spot: Spot, town: Town, rng: np.random.Generator) -> tuple[str, str, str, str]:
    """Write a place as latitude, longitude, street and number; more or less of it is known."""
    how, which = rng.random(), int(rng.integers(1_000_000))
    if how < GIVEN:
        return _comma(spot.lat), _comma(spot.lon), spot.street, spot.number
    street, number = spot.street, spot.number
    if ADDRESS <= how < MISSPELT:
        street = _misspelt(street, which)
    elif MISSPELT <= how < CROSSING:
        crossing = town.crossings[which % len(town.crossings)]
        street, number = f"korsningen {crossing.first}/{crossing.second}", ""
    elif CROSSING <= how < PLACE:
        street, number = town.squares[which % len(town.squares)].street, ""
    elif PLACE <= how < STREET:
        number = ""
    elif STREET <= how < AREA:
        street, number = town.quarters[which % len(town.quarters)], ""
    elif how >= AREA:
        street, number = ("okänd plats", "") if which % 2 else ("", "")
    return "", "", street, number


def _misspelt(street: str, which: int) -> str:
    """Drop one letter from the inside of a name."""
    at = 2 + which % max(len(street) - 4, 1)
    return street[:at] + street[at + 1 :]


def _faulty(town: Town, period: tuple[date, date]) -> list[_Report]:
    """Write the rows that no import can use: four honest mistakes."""
    middle = period[0] + (period[1] - period[0]) / 2
    spot = town.squares[0]
    here = (_comma(spot.lat), _comma(spot.lon), spot.street, "", "Eskilstuna")
    there = (*FAR_AWAY, "", "", "Eskilstuna")
    when, day = f"{middle} 21:15", middle.isoformat()
    return [
        _Report(middle, ("0357", *here, "", "", day, "1")),
        _Report(middle, (UNKNOWN_CODE, *here, when, "", day, "1")),
        _Report(middle, ("1203", *there, when, "", day, "1")),
        _Report(middle, ("0357", *here, f"{middle.year}-02-30 21:15", "", day, "1")),
    ]


# --- the safety walks --------------------------------------------------------------------------

NOTES: Final = {
    "Belysning": ("Lampan är släckt.", "Glest mellan stolparna.", "Lampan skyms av träd."),
    "Gångtunnel": ("Mörk tunnel utan sikt till andra sidan.", "Vatten på golvet, dåligt ljus."),
    "Gångstråk": ("Långt stråk utan insyn.", "Snåriga kanter längs vägen."),
    "Klotter": ("Nytt klotter på väggen.", "Klottret från förra vandringen är kvar."),
    "Skadegörelse": ("Krossad ruta.", "Trasig bänk.", "Sönderslagen papperskorg."),
    "Nedskräpning": ("Överfull papperskorg.", "Kasserade möbler vid gaveln."),
    "Skymmande växtlighet": ("Buskarna skymmer gångvägen.", "Häcken når över axelhöjd."),
    "Otrygghetsskapande samling": ("Vanlig samlingsplats sena kvällar.",),
    "Trafik/moped": ("Mopeder kör på gångvägen.", "Hög fart förbi lekplatsen."),
    "Anlagd brand": ("Brandskadad papperskorg.", "Sotig vägg vid återvinningen."),
    "Trygg plats": ("Öppet, upplyst och välskött.", "Här rör sig folk även på kvällen."),
    "Annat": ("Gångvägen är dåligt plogad.", "Skylten är vänd åt fel håll."),
}
TYPE_SHARES: Final = {
    "Belysning": (0.13, 0.26),  # in daylight, in the dark
    "Gångstråk": (0.07, 0.12),
    "Klotter": (0.16, 0.08),
    "Skadegörelse": (0.1, 0.07),
    "Nedskräpning": (0.2, 0.1),
    "Skymmande växtlighet": (0.12, 0.1),
    "Otrygghetsskapande samling": (0.04, 0.1),
    "Trafik/moped": (0.06, 0.06),
    "Anlagd brand": (0.02, 0.02),
    "Trygg plats": (0.07, 0.06),
    "Annat": (0.03, 0.03),
}
WALKS: Final = (("Vårvandring", 4, 22, 18, "ljust"), ("Höstvandring", 10, 14, 19, "mörkt"))
CORE_WALK: Final = ("Krogvandring", 11, 11, 22, "mörkt")
STOPS: Final = (9, 15)  # per walk, besides the tunnels


def _walks(town: Town, first: date, last: date, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Walk twice a year in each priority area, in light and in dark, and once in the core."""
    rounds = [(quarter, walk) for walk in WALKS for quarter in town.quarters]
    rounds.append((town.core, CORE_WALK))
    dark = {quarter: _dark_stretch(town, quarter, rng) for quarter, _ in rounds}
    rows: list[tuple[str, ...]] = []
    for year in range(first.year, first.year + YEARS + 1):
        for order, (quarter, (name, month, day, hour, light)) in enumerate(rounds):
            when = date(year, month, day) + timedelta(days=order % len(town.quarters))
            if first <= when <= last:
                start = datetime.combine(when, time(hour))
                head = (f"{name} {quarter} {year}", quarter, light)
                rows += _walk(town, head, start, dark[quarter], rng)
    return sorted(rows)


def _dark_stretch(town: Town, quarter: str, rng: np.random.Generator) -> list[Spot]:
    """Choose a stretch of one street where lamps are missing year after year."""
    own = [spot for spot in town.addresses if spot.quarter == quarter]
    street = own[int(rng.integers(len(own)))].street
    return [spot for spot in own if spot.street == street][:8:2]


def _walk(
    town: Town,
    head: tuple[str, str, str],
    start: datetime,
    dark: Sequence[Spot],
    rng: np.random.Generator,
) -> list[tuple[str, ...]]:
    """Note what the walkers saw, a few minutes between the stops."""
    _, quarter, light = head
    homes = [spot for spot in town.addresses if spot.quarter == quarter]
    seen = [("Gångtunnel", spot) for spot in town.tunnels if spot.quarter == quarter]
    if light == "mörkt":
        seen += [("Belysning", spot) for spot in dark]
    kinds = list(TYPE_SHARES)
    shares = [share[light == "mörkt"] for share in TYPE_SHARES.values()]
    for _ in range(int(rng.integers(*STOPS))):
        kind = kinds[int(rng.choice(len(kinds), p=[share / sum(shares) for share in shares]))]
        seen.append((kind, homes[int(rng.integers(len(homes)))]))
    rows: list[tuple[str, ...]] = []
    for order, (kind, spot) in enumerate(seen):
        severity = 0 if kind == "Trygg plats" else int(rng.choice(3, p=[0.3, 0.45, 0.25])) + 1
        note = NOTES[kind][int(rng.integers(len(NOTES[kind])))]
        when = f"{start + timedelta(minutes=5 * order):%Y-%m-%d %H:%M}"
        where = _comma(spot.lat), _comma(spot.lon)
        rows.append((when, head[0], quarter, kind, str(severity), light, *where, note))
    return rows


# --- the address register ----------------------------------------------------------------------


def _status(number: int) -> str:
    """Reserve one address in two hundred: planned, not yet built."""
    return "Reserverad" if number % RESERVED_EVERY == 0 else "Gällande"


def _write_register(path: Path, town: Town, epsg: int) -> None:
    """Write the addresses as Lantmäteriet's register arrives: columns, layer and geometry name."""
    spots = town.addresses
    count = len(spots)
    entrances = [f"{spot.number} ".split(" ")[:2] for spot in spots]
    table = {
        "objektidentitet": [f"SYNTETISK-{n:06d}" for n in range(1, count + 1)],
        "adressplatstyp": ["Gatuadressplats"] * count,
        "adressomrade_faststalltnamn": [spot.street for spot in spots],
        "gardsadressomrade_faststalltnamn": [None] * count,
        "kommundel_faststalltnamn": [spot.quarter or None for spot in spots],
        "adressplatsnummer": [number for number, _ in entrances],
        "bokstavstillagg": [letter or None for _, letter in entrances],
        "lagestillagg": [None] * count,
        "lagestillaggsnummer": [None] * count,
        "avvikerfranstandarden": [False] * count,
        "avvikandeadressplatsbeteckning": [None] * count,
        "popularnamn": [None] * count,
        "postnummer": [0] * count,  # Lantmäteriet's way to say that there is none
        "postort": ["Eskilstuna"] * count,
        "kommunkod": ["0484"] * count,
        "kommunnamn": ["Eskilstuna"] * count,
        "lanskod": ["04"] * count,
        "distriktsnamn": ["SYNTETISKA DATA"] * count,
        "statusforbelagenhetsadress": [_status(n) for n in range(count)],
        "versiongiltigfran": ["2020-01-01"] * count,
    }
    points = gpd.points_from_xy([s.x_m for s in spots], [s.y_m for s in spots])
    frame = gpd.GeoDataFrame(table, geometry=points, crs=epsg)
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2020-01-01T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(
            frame, path, layer=REGISTER_LAYER, driver="GPKG", GEOMETRY_NAME=REGISTER_GEOMETRY
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
