"""An office desk for tests: writes files as people send them, takes them in, looks at the store."""

import csv
import io
from datetime import UTC, datetime

import openpyxl
import sqlalchemy as sa

from pipelines.ingest import Options, ingest
from store import imports
from store.db import connect

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
CENTRE = (16.5145, 59.3713)  # Fristadstorget, in the nightlife core
QUIET = (16.46, 59.41)  # in the municipality, in no area, far from every school

# The two police layouts, as domain.md §9 has them.
POINTS = (
    *("ID", "BROTTSKOD", "LATITUDE", "LONGITUDE", "GATA", "GATUNR", "KOMMUN"),
    *("BROTTSDATUMTID_START", "BROTTSDATUMTID_SLUT", "INSKRIVNINGSDATUM", "ANTAL"),
)
AREAS = (
    *("inskrivningsdatum", "närpo", "basområde", "gata", "brottskod", "antal"),
    *("brottsdag start", "brottsdag slut", "brottstid start (HHmm)", "brottstid slut"),
)
WALK = (
    *("Datum", "Vandring", "Område", "Typ", "Allvar", "Ljus"),
    *("Latitud", "Longitud", "Anteckning"),
)
_USUAL = {
    "BROTTSKOD": "0357",
    "LATITUDE": str(CENTRE[1]).replace(".", ","),
    "LONGITUDE": str(CENTRE[0]).replace(".", ","),
    "KOMMUN": "Eskilstuna",
    "BROTTSDATUMTID_START": "2026-03-06 23:30",
    "BROTTSDATUMTID_SLUT": "2026-03-06 23:30",
    "INSKRIVNINGSDATUM": "2026-03-07",
    "ANTAL": "1",
}
_USUAL_WALK = {
    "Datum": "2026-10-15 19:30",
    "Vandring": "Höst",
    "Område": "Skiftinge",
    "Typ": "Belysning",
    "Allvar": "2",
    "Ljus": "Mörkt",
    "Latitud": "59,3913",
    "Longitud": "16,5369",
}


def report(number, **cells):
    """Write one row of the layout with coordinates; cells not named hold what is usual."""
    known = {**_USUAL, "ID": str(number), **cells}
    return [known.get(name, "") for name in POINTS]


def sighting(**cells):
    """Write one row of a safety walk."""
    known = {**_USUAL_WALK, **cells}
    return [known.get(name, "") for name in WALK]


def lonlat(lon, lat):
    """Write a point into the two columns of `report`."""
    return {"LONGITUDE": f"{lon:.7f}", "LATITUDE": f"{lat:.7f}"}


def csv_text(header, rows, delimiter=";"):
    """Write rows as CSV with the line ends of Windows."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    table.writerows([header, *rows])
    return text.getvalue()


class Desk:
    """A folder and a store with the Eskilstuna profile."""

    def __init__(self, url, folder):
        self.url = url
        self.folder = folder
        self.store = connect(url)

    def put(self, name, content):
        """Write a file as it stands."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def csv(self, name, rows, header=POINTS, *, delimiter=";", encoding="utf-8"):
        return self.put(name, csv_text(header, rows, delimiter).encode(encoding))

    def xlsx(self, name, rows, header=POINTS):
        book = openpyxl.Workbook()
        for row in (header, *rows):
            book.active.append(list(row))
        book.save(self.folder / name)
        return self.folder / name

    def take(self, path, kind="incidents", now=NOW, **options):
        """Take a file in and give the report."""
        return ingest(self.store, path, Options(kind, **options), now)

    def take_rows(self, *rows, header=POINTS, kind="incidents", name="rader.csv", **options):
        """Take rows in as a CSV file and give the report."""
        return self.take(self.csv(name, rows, header), kind, **options)

    def ask(self, query, **values):
        """Give the rows of a query."""
        with self.store.read() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    def one(self, query, **values):
        """Give the only value of a query."""
        ((value,),) = self.ask(query, **values)
        return value

    def sizes(self):
        """Count the rows of every table."""
        names = sorted(sa.inspect(self.store.engine).get_table_names())
        own = [name for name in names if name != "spatial_ref_sys"]
        quote = self.store.engine.dialect.identifier_preparer.quote
        return {name: self.one(f"SELECT count(*) FROM {quote(name)}") for name in own}  # noqa: S608

    def set_aside(self):
        """List the rows in quarantine as line, reason, column and value."""
        with self.store.read() as connection:
            rows = imports.quarantine(connection)
        return [(row.line, row.reason, row.column, row.value) for row in rows]

    def everything(self):
        """Give the text of every cell of every table, and for a file its bytes too."""
        found = []
        for name in sa.inspect(self.store.engine).get_table_names():
            quote = self.store.engine.dialect.identifier_preparer.quote
            found += [repr(row) for row in self.ask(f"SELECT * FROM {quote(name)}")]  # noqa: S608
        if self.store.is_geopackage:
            files = self.folder.glob("store.gpkg*")
            found += [path.read_bytes().decode("latin-1") for path in files]
        return "\n".join(found)
