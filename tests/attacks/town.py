"""An invented town whose every event the test knows, and an installation that took them in."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import shapely

from geo.profile import Address, Area
from pipelines import accounts, demo, profiles, releases
from pipelines import places as place_files
from pipelines.accounts import NewUser
from pipelines.analyse import Parameters, analyse
from pipelines.ingest import Options, ingest
from pipelines.release_parts import Choice
from pipelines.roles import GROUP
from store import db, installation, observations, parts, places
from tests.desk import POINTS, csv_text

REFERENCE = profiles.load("eskilstuna")
YEARS = (2023, 2024, 2025)
SEED = 20_261_122
TAKEN_IN = datetime(2026, 3, 5, 8, tzinfo=UTC)
BUILT = datetime(2026, 3, 6, 8, tzinfo=UTC)
LATER = datetime(2026, 5, 6, 8, tzinfo=UTC)
PASSWORD = "an attack is a question too"  # noqa: S105 - of accounts that live for one run
DISTRICTS = (  # two parts of the country round the town; the rest lies in none
    Area("district", "Norra bygden", shapely.box(16.35, 59.36, 16.70, 59.46), "påhittat"),
    Area("district", "Södra bygden", shapely.box(16.35, 59.28, 16.70, 59.36), "påhittat"),
)
CODES = {  # how often each happens in a year, besides what the crowd's own weight says
    "0357": 200,
    "9319": 60,
    "9459": 60,
    "9443": 70,
    "9806": 15,
    "5011": 130,
    "3002": 80,
    "9830": 160,
    "0825": 90,
    "1203": 110,
    "1209": 90,
    "1211": 25,
    "8008": 12,
    "9311": 50,
    "9365": 0,
}
SENSITIVE = "9365"
SENSITIVE_A_YEAR = 25
HOMES, HOME_EVENTS = 9, (5, 8)  # A12: so many events at one door within one year
BY_AREA_A_YEAR, NOWHERE_A_YEAR = 18, 9
SEEN = (
    *("Datum", "Vandring", "Typ", "Allvar", "Ljus", "Anteckning"),
    *("Latitud", "Longitud", "Gata", "Gatunr"),
)
CLOCKS = {2023: ("03-26", "10-29"), 2024: ("03-31", "10-27"), 2025: ("03-30", "10-26")}


@dataclass(frozen=True, slots=True)
class Site:
    """A door at which things happen."""

    lon: float
    lat: float
    street: str
    number: int


@dataclass(frozen=True, slots=True)
class Row:
    """One reported event, as it stands in the file."""

    source_id: str
    code: str
    site: Site | None
    words: str  # of a place, where there is no site
    start: str  # local
    end: str
    count: int = 1

    def cells(self):
        """Write the row in the order of POINTS."""
        site = self.site
        where = ("", "", self.words, "")
        if site is not None:
            where = (f"{site.lat:.6f}", f"{site.lon:.6f}", site.street, str(site.number))
        lat, lon, street, number = (each.replace(".", ",") for each in where)
        day = self.start[:10]
        times = (self.start, self.end, day, str(self.count))
        return [self.source_id, self.code, lat, lon, street, number, "Eskilstuna", *times]


def outlines(kind):
    """Give the areas of a kind, by name."""
    every = (*REFERENCE.areas, *DISTRICTS)
    return {area.name: area.outline for area in every if area.kind == kind}


class Town:
    """Doors and the events behind them; the same seed gives the same town."""

    def __init__(self, seed=SEED):
        self._rng = np.random.default_rng(seed)
        self._streets = 0
        focus = outlines("priority") | outlines("nightlife")
        self._taken = shapely.union_all(list(focus.values()))
        core = outlines("nightlife")
        self.crowds = {name: self._inside(shape, 45) for name, shape in focus.items()}
        self.crowds |= {"skolor": self._by_schools(), "bygd": self._villages()}
        self._weight = dict.fromkeys(self.crowds, 1.0)
        self._weight |= dict.fromkeys(core, 2.5) | {"skolor": 1.6, "bygd": 2.6}
        self.homes = self._lonely(HOMES)
        self.quiet = [self._site(16.40 + 0.013 * n, 59.485) for n in range(8)]  # nothing happens
        self.rows = sorted(self._events(), key=lambda row: (row.start, row.code, row.end))
        self.rows = [replace(row, source_id=f"AX{n:06d}QZ") for n, row in enumerate(self.rows)]

    @property
    def sites(self):
        """List every door."""
        return [
            *self.homes,
            *self.quiet,
            *(site for crowd in self.crowds.values() for site in crowd),
        ]

    def _site(self, lon, lat):
        self._streets += 1
        name = f"Angreppsvägen{chr(97 + self._streets % 26)}{chr(97 + self._streets // 26)}"
        return Site(round(float(lon), 6), round(float(lat), 6), name, self._streets)

    def _inside(self, shape, many):
        west, south, east, north = shape.bounds
        found = []
        while len(found) < many:
            at = self._rng.uniform((west, south), (east, north))
            if shapely.contains_xy(shape.buffer(-0.0002), *at):
                found.append(self._site(*at))
        return found

    def _around(self, lon, lat, metres, many):
        angle = self._rng.uniform(0, 2 * np.pi, many)
        away = metres * np.sqrt(self._rng.uniform(0.05, 1, many))
        east, north = away * np.cos(angle) / 56_700, away * np.sin(angle) / 111_300
        points = np.column_stack([lon + east, lat + north])
        free = ~shapely.intersects_xy(self._taken, points)
        return [self._site(*at) for at in points[free]]

    def _by_schools(self):
        schools = [each for each in REFERENCE.facilities if each.kind == "school"]
        near = [self._around(each.lon, each.lat, 240, 7) for each in schools[:16]]
        return [site for own in near for site in own]

    def _villages(self):
        middles = self._rng.uniform((16.30, 59.25), (16.75, 59.45), (26, 2))
        near = [self._around(*at, 900, 12) for at in middles]
        return [site for own in near for site in own]

    def _lonely(self, many):
        """Put single homes where nobody else lives."""
        columns = np.linspace(16.05, 16.25, many)
        return [self._site(lon, 59.20 + 0.02 * (n % 3)) for n, lon in enumerate(columns)]

    def _events(self):
        rows = []
        for year in YEARS:
            for code, many in CODES.items():
                rows += [self._event(code, year) for _ in range(self._rng.poisson(many))]
            rows += [self._event(SENSITIVE, year) for _ in range(SENSITIVE_A_YEAR)]
            rows += self._without_points(year) + self._strange_hours(year)
            for home in self.homes:
                code = str(self._rng.choice(["9443", "1203", "0825"]))
                for _ in range(int(self._rng.integers(*HOME_EVENTS))):
                    rows.append(self._at(home, code, year))
        # The year that is still running: told to nobody.
        return rows + [self._event("1203", 2026) for _ in range(60)]

    def _event(self, code, year):
        names = list(self.crowds)
        weight = np.array([self._weight[name] for name in names])
        crowd = self.crowds[names[int(self._rng.choice(len(names), p=weight / weight.sum()))]]
        # Some doors see far more than others.
        share = 1 / np.arange(3, len(crowd) + 3)
        site = crowd[int(self._rng.choice(len(crowd), p=share / share.sum()))]
        return self._at(site, code, year)

    def _at(self, site, code, year, words=""):
        days = 55 if year == 2026 else 365 + (year % 4 == 0)
        start = datetime(year, 1, 1) + timedelta(days=int(self._rng.integers(days)))  # noqa: DTZ001 - local wall clock, as in a file
        if code == "0357" and self._rng.random() < 0.6:  # nights at weekends
            start += timedelta(days=(4 - start.weekday()) % 7 if year != 2026 else 0)
            start = start.replace(year=year) if start.year == year else start - timedelta(days=7)
            start += timedelta(hours=23, minutes=int(self._rng.integers(290)))
        else:
            start += timedelta(minutes=int(self._rng.normal(17 * 60, 300)) % 1440)
        if start.year != year:
            start -= timedelta(days=7)
        lasts = int(self._rng.choice([0, 0, 0, 40, 300, 900]))
        end = start + timedelta(minutes=lasts)
        count = 1 + int(self._rng.random() < 0.02)
        return Row("", code, site, words, f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}", count)

    def _without_points(self, year):
        """Report events that are known by an area's name, or by nothing."""
        names = [*outlines("priority"), *outlines("nightlife")]
        codes = [code for code, many in CODES.items() if many]
        rows = []
        for n in range(BY_AREA_A_YEAR + NOWHERE_A_YEAR):
            words = names[n % len(names)] if n < BY_AREA_A_YEAR else "okänd plats"
            rows.append(self._at(None, str(self._rng.choice(codes)), year, words))
        return rows

    def _strange_hours(self, year):
        """Report what happened in the hour that was skipped, and in the one that came twice."""
        core = next(iter(outlines("nightlife")))
        rows = []
        for day in CLOCKS[year]:
            for minute in range(10, 50, 10):
                site = self.crowds[core][int(self._rng.integers(10))]
                when = f"{year}-{day} 02:{minute}"
                rows.append(Row("", "0357", site, "", when, when))
        return rows

    def addresses(self):
        """Give the register: a door for every site, with neighbours where people live close."""
        register = []
        for site in self.sites:
            alone = site in self.homes
            for step in range(1 if alone else 5):
                lon, lat = site.lon + 0.0001 * step, site.lat
                street = Address(site.street, site.number + 2 * step, "", lon, lat, "", "", "x")
                register.append(street)
        return register

    def walks(self):
        """Give rows of a safety walk: in the open far from every event, and at doors by address."""
        rows = []
        for n in range(24):
            when = f"2025-10-{1 + n % 20:02d} 19:30"
            seen = (
                when,
                "Höst",
                "Belysning",
                "2",
                "Mörkt",
                f"{'Hemligt' if n % 2 else 'Synligt'} {n}",
            )
            door = self.quiet[n // 3]
            at = (f"{59.47 + 0.0005 * n:.4f}", f"{16.40 + 0.011 * n:.4f}", "", "")
            rows.append([*seen, *(("", "", door.street, str(door.number)) if n % 3 == 0 else at)])
        return rows


@dataclass(frozen=True, slots=True)
class Place:
    """An installation on disk."""

    folder: object
    url: str

    @classmethod
    def at(cls, folder):
        """Name the installation of a folder."""
        return cls(folder, f"sqlite:///{folder / 'store.gpkg'}")

    def copy(self, folder):
        """Copy it whole."""
        shutil.copytree(self.folder, folder)
        return Place.at(folder)


class Works:
    """The back room of an installation: takes in, builds, shows."""

    def __init__(self, place):
        self.place = place
        self.main, self.release = db.connect(place.url), db.connect(place.url, parts.RELEASE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for store in (self.main, self.release):
            with store.engine.connect() as connection:  # so that the files are whole
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            store.close()

    def take(self, rows, name, now=TAKEN_IN):
        """Take events in as a police export."""
        path = self.place.folder / name
        path.write_text(csv_text(POINTS, [row.cells() for row in rows]), encoding="utf-8")
        report = ingest(self.main, path, Options("incidents", synthetic=True), now)
        path.unlink()
        return report

    def walk(self, rows):
        """Take a safety walk in, and review every second note."""
        path = self.place.folder / "walk.csv"
        path.write_text(csv_text(SEEN, rows), encoding="utf-8")
        ingest(self.main, path, Options("observations", synthetic=True), TAKEN_IN)
        path.unlink()
        with self.main.write() as connection:
            waiting = sorted(each.id for each in observations.unreviewed(connection))
            observations.review(connection, waiting[::2])

    def show(self, now=BUILT, **options):
        """Build a release and put it in force."""
        built = releases.build(self.main, self.release, Choice(), now, **options)
        releases.activate(self.main, self.release, built.header.number, now)
        return built


def settle(town, folder):
    """Make an installation of a town: taken in, analysed, released, with an account per role."""
    place = Place.at(folder)
    folder.mkdir(parents=True, exist_ok=True)
    installation.upgrade(place.url)
    with Works(place) as works:
        place_files.load(works.main, "eskilstuna")
        with works.main.write_alone() as connection:
            places.put_areas(connection, list(DISTRICTS), places.IMPORT, replace=None)
            places.put_addresses(connection, town.addresses())
            places.touch(connection)
        works.take(town.rows, "rows.csv")
        works.walk(town.walks())
        analyse(works.main, Parameters(), TAKEN_IN)
        works.show()
        for role, name in demo.USERS.items():
            until = LATER + timedelta(days=170) if role == GROUP else None
            accounts.put_user(works.main, NewUser(name, PASSWORD, role, until), LATER)
    return place


def days_of(period):
    """Tell the first local day of a period and the day after its last."""
    if "/" in period:
        first, last = (date.fromisoformat(each) for each in period.split("/"))
        return first, last + timedelta(days=1)
    first, _, last = period.partition("–")
    return date(int(first), 1, 1), date(int(last or first) + 1, 1, 1)
