"""A release from the police's house to the municipality's: what crosses, and what is refused."""

import hashlib
import io
import json
import stat
import zipfile
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, box

from geo.errors import Conflict, LagesbildError, NotFound, StoreUnavailable, UnreadableFile
from pipelines import bundle_checks, bundle_format, bundles, profiles, signing
from pipelines import releases as built
from pipelines.looks import Log
from pipelines.release_parts import Choice
from pipelines.released import LEVELS, Asked, Released
from store import db, installation, journal, release_models, releases, schema
from store.journal import Wanted
from store.parts import JOURNAL, RELEASE
from store.releases import PHYSICAL, SENSITIVE, TREE, Atom, Finding, NewRelease, Part, Unit
from tests.desk import CENTRE, QUIET, lonlat, report

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MADE = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
KNOWN = {"polisen": signing.public_half(KEY)}
HOUSE = "Polisregion Mitt"
ESKILSTUNA = profiles.load("eskilstuna").profile


def ground(number, place, lon):
    """Make a unit: one square, in its zone."""
    return Unit(
        number=number,
        place=place,
        place_name=place.capitalize(),
        kind="priority",
        zone=place,
        zone_name=place.capitalize(),
        level="zone",
        label="",
        area_m2=1234.5678,
        cells=(),
        addresses=40,
        outline=MultiPolygon([box(lon, 59.37, lon + 0.01, 59.38)]),
    )


NOWHERE = Unit(
    9, "okand", "Okänd plats", "unknown", "okand", "–", "nowhere", "", 0.0, (), None, None
)
UNITS = (ground(1, "arby", 16.51), ground(2, "froslunda", 16.53), NOWHERE)


def said(count, **values):
    """Make a finding about Årby."""
    nothing = dict.fromkeys(each.name for each in fields(Finding))
    usual = {"level": "place", "place": "arby", "theme": "vald", "block": "", "reasons": ""}
    return Finding(**{**nothing, **usual, "count": count, **values})


def clean(new, **values):
    """Make the record of an audit that found nothing."""
    return {"digest": releases.digest_of(new, new.parts), "leaks": 0, "pairs": 1_000, **values}


def part(period="2025", counts=(12, 7, 5, 31), **values):
    """Make a part of four atoms: violence or all else, in Årby or in all other places."""
    year = int(period[:4])
    themes = (("vald",), ("brand", "trafik"))
    grounds = ((1,), (2, 9))
    boxes = [(theme, units) for theme in themes for units in grounds]
    usual = {
        "period": period,
        "product": TREE,
        "first_day": date(year, 1, 1),
        "after_day": date(year + 1, 1, 1),
        "embargo_until": date(year + 1, 1, 31),
        "built_at": MADE,
        "units": UNITS,
        "atoms": tuple(
            Atom(i, count, 5, (1, 2, 3), theme, ("helgnatt", "ovrig_tid"), units)
            for i, (count, (theme, units)) in enumerate(zip(counts, boxes, strict=True))
        ),
        "findings": (said(counts[0], verdict="osaker", ratio_low=0.1, ratio_high=1 / 3),),
    }
    return Part(**{**usual, **values}).sealed()


def release(*parts, **values):
    """Make a release that is not stored yet."""
    usual = {
        "house": HOUSE,
        "created_at": MADE,
        "previous": "",
        "settings": {"k": 5, "order": ["place", "theme"]},
        "synthetic": True,
        "code_version": "0.1.0",
        "parts": parts or (part(),),
    }
    return NewRelease(**{**usual, **values})


class House:
    """One installation, as far as releases and the log go."""

    def __init__(self, url):
        self.url = url
        self.releases = db.connect(url, RELEASE)
        self.journal = db.connect(url, JOURNAL)
        for store in (self.releases, self.journal):
            schema.upgrade(store)
        self.log = Log(self.journal, None, lambda: NOW)

    def close(self):
        self.releases.close()
        self.journal.close()

    def keep(self, new, audit=clean, *, active=True):
        """Store a release and put it in force."""
        with self.releases.write() as connection:
            number = releases.add(connection, new)
            if audit is not None:
                releases.set_audit(connection, number, audit(new))
            if active:
                releases.activate(connection, number, NOW)
        return number

    def prepare(self, number, key=KEY):
        return bundles.prepare(self.releases, number, key, ESKILSTUNA, NOW)

    def receive(self, file, known=KNOWN, now=NOW):
        return bundles.receive(self.releases, file, known, ESKILSTUNA, now)

    def held(self):
        with self.releases.read() as connection:
            return releases.listing(connection)

    def whole(self, number):
        with self.releases.read() as connection:
            return releases.find(connection, number), releases.parts(connection, number)

    def verify(self, number, known=KNOWN):
        bundles.verify(*self.whole(number), known)

    def change(self, table, **values):
        with self.releases.write() as connection:
            connection.execute(sa.update(table).values(**values))


@pytest.fixture(params=["from gpkg to postgis", "from postgis to gpkg"])
def urls(request):
    """Name the two kinds of store: the police's and the municipality's."""
    kinds = request.param.split(" ")
    return kinds[1], kinds[3]


@pytest.fixture
def houses(request, urls):
    """Give the police's house and the municipality's, of different kinds of store."""
    pair = [House(request.getfixturevalue(f"{kind}_url")) for kind in urls]
    yield pair
    for house in pair:
        house.close()


@pytest.fixture
def desks(request, urls):
    """Give two such houses whole, with the municipality's profile: desks and what else is kept."""
    found = [request.getfixturevalue(f"{kind}_desk") for kind in urls]
    for desk in found:
        installation.upgrade(desk.url)
    pair = [House(desk.url) for desk in found]
    yield list(zip(found, pair, strict=True))
    for house in pair:
        house.close()


@pytest.fixture
def town(store_url):
    """Give a municipality's house; the test runs once on each kind of store."""
    house = House(store_url)
    yield house
    house.close()


@pytest.fixture
def file_town(gpkg_url):
    """Give a municipality's house with a GeoPackage, where the store makes no difference."""
    house = House(gpkg_url)
    yield house
    house.close()


def bundled(new, number=1, key=KEY):
    """Write a bundle as a house of which nothing else is known."""
    header = releases.Header(
        number=number,
        activated_at=NOW,
        active=True,
        digest=releases.digest_of(new, new.parts),
        audit=clean(new),
        **{
            each.name: getattr(new, each.name)
            for each in fields(NewRelease)
            if each.name != "parts"
        },
    )
    return bundle_format.written(header, new.parts, key)


BUNDLE = bundled(release())


def members(data=BUNDLE):
    """Open a bundle as any zip program does."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resigned(change=len, rows=None):
    """Write a bundle anew with another manifest or other rows, signed by a trusted house."""
    held = members()
    manifest = json.loads(held["manifest.json"])
    if rows is not None:
        held["part-01.jsonl"] = rows
        manifest["parts"][0] |= {"bytes": len(rows), "sha256": hashlib.sha256(rows).hexdigest()}
    change(manifest)
    held["manifest.json"] = json.dumps(manifest).encode()
    held["signature"] = signing.sign(KEY, held["manifest.json"]).encode()
    return bundle_format.packed(held)


def sent(tmp_path, data, name="utgava-1.lbz"):
    """Put a bundle where the municipality finds it."""
    file = tmp_path / name
    file.write_bytes(data)
    return file


def refused(call, *arguments, **named):
    """Give the code with which something is refused."""
    with pytest.raises(LagesbildError) as caught:
        call(*arguments, **named)
    return caught.value.code


# --- What crosses


def test_what_arrives_is_what_was_sent_and_the_same_questions_get_the_same_answers(
    houses, tmp_path
):
    police, town = houses
    number = police.keep(release(part("2024"), part("2025", (40, 9, 6, 7))))
    file = tmp_path / "ut" / "utgava-1.lbz"
    bundles.write(police.prepare(number), file, police.log, "kommandorad:anna")
    found = town.receive(file)
    assert (found.new, found.house, found.signed_by) == (True, HOUSE, "polisen")
    assert (found.parts, found.atoms, found.synthetic, found.gap) == (2, 8, True, False)
    assert town.whole(found.number)[1] == police.whole(number)[1]
    assert not town.held()[0].active
    town.verify(found.number)
    for asked in (Asked(), Asked("2024", themes=("vald",)), Asked(places=("froslunda",))):
        told, sent_told = (
            Released(*house.whole(n)).answer(asked)
            for house, n in ((town, found.number), (police, number))
        )
        assert told == sent_told
    assert told.shown


def test_a_sliver_that_vanished_crosses_as_it_is(houses, tmp_path):
    police, town = houses
    units = (*UNITS[:2], replace(NOWHERE, level="remainder", outline=MultiPolygon()))
    made = police.prepare(police.keep(release(part(units=units))))
    number = town.receive(sent(tmp_path, made.data)).number
    town.verify(number)
    assert town.whole(number)[1] == police.whole(1)[1]


def test_the_same_release_gives_the_same_bytes_and_the_file_is_its_owners_alone(houses, tmp_path):
    police, other = houses
    made = [house.prepare(house.keep(release())) for house in (police, other, police)[:2]]
    assert made[0].data == made[1].data == police.prepare(1).data
    bundles.write(made[0], tmp_path / made[0].name, police.log, "kommandorad:anna")
    file = tmp_path / "utgava-1.lbz"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == made[0].data


def test_a_bundle_is_a_zip_of_readable_text_with_nothing_of_the_installation(houses):
    police, _ = houses
    held = members(police.prepare(police.keep(release())).data)
    assert sorted(held) == ["manifest.json", "part-01.jsonl", "signature"]
    kinds = [json.loads(line)["row"] for line in held["part-01.jsonl"].splitlines()]
    assert kinds == ["unit"] * 3 + ["atom"] * 4 + ["finding"]
    assert set(json.loads(held["manifest.json"])) == {
        *("format", "version", "number", "digest", "house", "created_at", "previous", "settings"),
        *("synthetic", "code_version", "audit", "parts"),
    }
    everything = b"".join(held.values())
    for secret in (police.url, str(police.releases.engine.url.database), KEY.private_bytes_raw()):
        assert (secret if isinstance(secret, bytes) else secret.encode()) not in everything


def test_every_field_of_a_row_has_its_reader():
    for kind, (row, readers) in bundle_format.ROWS.items():
        assert list(readers) == [each.name for each in fields(row)], kind


def test_the_container_is_written_alike_by_every_python():
    packed = bundle_format.packed({"manifest.json": b"{}\n", "signature": b"x"})
    assert hashlib.sha256(packed).hexdigest() == (
        "81d151dc81d4fa63c39c5bf52e3d5ae10d9a2dc05de45195b78db83778cee56f"
    )


def test_an_export_stands_in_the_log(file_town, tmp_path):
    made = file_town.prepare(file_town.keep(release()))
    bundles.write(made, tmp_path / made.name, file_town.log, "kommandorad:anna")
    with file_town.journal.read() as connection:
        (line,) = journal.page(connection, Wanted(), None, 10)
    assert (line.entry.who, line.entry.what, line.entry.rows) == (
        *("kommandorad:anna", "release-export", 4),
    )
    assert line.entry.asked["key"] == signing.public_half(KEY).fingerprint


# --- What does not leave


def test_a_release_that_is_not_ready_does_not_leave(file_town):
    ready = file_town.keep(release())
    old = file_town.keep(release(created_at=MADE + timedelta(days=1)), active=False)
    unaudited = file_town.keep(release(), None, active=False)
    leaking = file_town.keep(release(), lambda new: clean(new, leaks=2), active=False)
    before = file_town.keep(release(), lambda new: clean(new, digest="0" * 64), active=False)
    file_town.prepare(ready)
    assert refused(file_town.prepare, old) == "bundle-not-in-force"
    assert refused(file_town.prepare, unaudited) == "release-not-clean"
    assert refused(file_town.prepare, leaking) == "release-not-clean"
    assert refused(file_town.prepare, before) == "release-not-clean"
    assert refused(file_town.prepare, 99) == "no-such-release"


def test_a_release_somebody_changed_does_not_leave(town):
    number = town.keep(release())
    town.change(release_models.ReleaseAtom, count=50)
    assert refused(town.prepare, number) == "release-damaged"


def test_another_houses_release_is_not_passed_on(file_town, tmp_path):
    found = file_town.receive(sent(tmp_path, BUNDLE))
    with file_town.releases.write() as connection:
        releases.activate(connection, found.number, NOW)
    assert refused(file_town.prepare, found.number, OTHER_KEY) == "bundle-not-own"


def test_what_the_other_house_would_refuse_does_not_leave(file_town):
    number = file_town.keep(release(part(counts=(12, 7, 4, 31))))
    assert refused(file_town.prepare, number) == "bundle-small"


def test_a_file_that_is_there_stays(file_town, tmp_path):
    file = sent(tmp_path, b"min")
    made = file_town.prepare(file_town.keep(release()))
    with pytest.raises(Conflict, match="file-exists"):
        bundles.write(made, file, file_town.log, "kommandorad:anna")
    assert file.read_bytes() == b"min"


def test_without_a_log_nothing_leaves(file_town, tmp_path):
    made = file_town.prepare(file_town.keep(release()))
    log = replace(file_town.log, anchor=tmp_path)  # a folder is no anchor
    with pytest.raises(StoreUnavailable):
        bundles.write(made, tmp_path / "ut" / made.name, log, "kommandorad:anna")
    assert list((tmp_path / "ut").iterdir()) == []


# --- What does not come in


def test_the_same_bundle_again_is_nothing_new(town, tmp_path):
    first, second = (town.receive(sent(tmp_path, BUNDLE)) for _ in range(2))
    assert (first.new, second.new, first.number) == (True, False, second.number)
    assert len(town.held()) == 1


@given(st.integers(0, len(BUNDLE) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(at, by):
    changed = bytearray(BUNDLE)
    changed[at] ^= by
    assert refused(bundle_format.read, bytes(changed), "x.lbz", KNOWN) in {
        *("bundle-not-zip", "bundle-damaged", "bundle-foreign-part"),
    }


@given(st.integers(0, len(BUNDLE) - 1))
def test_no_end_can_be_cut_off(length):
    with pytest.raises(UnreadableFile):
        bundle_format.read(BUNDLE[:length], "x.lbz", KNOWN)


@given(st.integers(0, len(BUNDLE)), st.binary(min_size=1, max_size=50))
def test_nothing_can_be_put_in(at, more):
    with pytest.raises(UnreadableFile):
        bundle_format.read(BUNDLE[:at] + more + BUNDLE[at:], "x.lbz", KNOWN)


@given(st.binary(max_size=300))
def test_anything_else_is_no_bundle(data):
    for start in (b"", bundle_format.ZIP):
        with pytest.raises(UnreadableFile):
            bundle_format.read(start + data, "x.lbz", KNOWN)


def foreign(name="punkter.csv", compression=zipfile.ZIP_STORED, **kept):
    """Write a zip file as other programs do."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for each, data in {**kept, name: b"id;lon;lat\n"}.items():
            archive.writestr(each, data)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bundle-not-zip"),
        (b"%PDF-1.7", "bundle-not-zip"),
        (b"MZ" + BUNDLE, "bundle-not-zip"),
        (foreign(), "bundle-foreign-part"),
        (foreign("../../etc/passwd"), "bundle-foreign-part"),
        (foreign("part-01.jsonl"), "bundle-damaged"),
        (foreign("part-02.jsonl", zipfile.ZIP_DEFLATED, **members()), "bundle-damaged"),
        (foreign("part-02.jsonl", **members()), "bundle-damaged"),
        (bundle_format.packed({**members(), "part-02.jsonl": b"{}"}), "bundle-damaged"),
        (bundle_format.packed({"manifest.json": b"\xff", "signature": b""}), "bundle-damaged"),
        (bundle_format.packed({**members(), "signature": b""}), "signature-unreadable"),
        (bundle_format.packed({**members(), "manifest.json": b"{}"}), "signature-wrong"),
        (b"PK\x03\x04" + bytes(bundle_format.MOST_BYTES), "bundle-too-large"),
        (bundled(release(), key=OTHER_KEY), "signature-key-unknown"),
    ],
)
def test_what_no_trusted_house_wrote_is_refused_and_leaves_nothing(file_town, tmp_path, data, code):
    assert refused(file_town.receive, sent(tmp_path, data)) == code
    assert file_town.held() == []


def test_more_parts_than_a_release_has_are_refused():
    many = {f"part-{i:02}.jsonl": b"" for i in range(60)}
    data = bundle_format.packed({**members(), **many})
    assert refused(bundle_format.read, data, "x.lbz", KNOWN) == "bundle-foreign-part"


def test_a_part_of_another_bundle_cannot_be_put_in(file_town, tmp_path):
    theirs = members(bundled(release(part(counts=(13, 7, 5, 31)))))
    mixed = bundle_format.packed({**members(), "part-01.jsonl": theirs["part-01.jsonl"]})
    assert refused(file_town.receive, sent(tmp_path, mixed)) == "bundle-part-changed"


def test_a_manifest_cannot_be_edited(file_town, tmp_path):
    edited = members()["manifest.json"].replace(b'"leaks":0', b'"leaks":1')
    data = bundle_format.packed({**members(), "manifest.json": edited})
    assert refused(file_town.receive, sent(tmp_path, data)) == "signature-wrong"


def test_a_missing_file_is_said(file_town, tmp_path):
    with pytest.raises(NotFound, match="no-file"):
        file_town.receive(tmp_path / "utgava-1.lbz")


def setting(name, value, inside=lambda manifest: manifest):
    """Give a change that sets one value of a manifest."""
    return lambda manifest: inside(manifest).__setitem__(name, value)


def first(manifest):
    return manifest["parts"][0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (setting("version", 2), "bundle-version"),
        (setting("version", "9" * 5000), "bundle-version"),
        (setting("format", "annat"), "bundle-row"),
        (setting("number", -1), "bundle-row"),
        (setting("number", 2**40), "bundle-row"),
        (setting("synthetic", 1), "bundle-row"),
        (setting("house", "x" * 10_001), "bundle-row"),
        (setting("house", "a\x00b"), "bundle-row"),
        (setting("house", "\ud800"), "bundle-row"),
        (setting("house", "Någon annan"), "bundle-digest"),
        (setting("created_at", "2026-03-01T08:00:00"), "bundle-row"),
        (setting("created_at", "2026-03-01T09:00:00+01:00"), "bundle-row"),
        (setting("created_at", "i går"), "bundle-row"),
        (setting("audit", clean(release(), leaks=1)), "bundle-not-clean"),
        (setting("audit", {"leaks": 0}), "bundle-not-clean"),
        (setting("audit", {}), "bundle-not-clean"),
        (setting("audit", None), "bundle-row"),
        (setting("settings", {"k": 10**5000 // 10**4000}), "bundle-row"),
        (setting("settings", {"k": float("inf")}), "bundle-row"),
        (setting("settings", {"k": 6}), "bundle-digest"),
        (setting("settings", json.loads("[" * 30 + "]" * 30)), "bundle-row"),
        (setting("settings", {"a": json.loads("[" * 30 + "]" * 30)}), "bundle-row"),
        (setting("parts", []), "bundle-damaged"),
        (setting("parts", {}), "bundle-row"),
        (setting("more", 1), "bundle-row"),
        (setting("first_day", "2025-02-30", first), "bundle-row"),
        (setting("product", "punkter", first), "bundle-row"),
        (setting("file", "manifest.json", first), "bundle-damaged"),
        (setting("bytes", 1, first), "bundle-part-changed"),
        (setting("digest", "0" * 64, first), "bundle-digest"),
        (lambda manifest: manifest.pop("house"), "bundle-row"),
        (lambda manifest: manifest["parts"].append(first(manifest)), "bundle-damaged"),
    ],
)
def test_a_signed_manifest_that_is_not_right_is_refused(file_town, tmp_path, change, code):
    assert refused(file_town.receive, sent(tmp_path, resigned(change))) == code
    assert file_town.held() == []


ROWS = members()["part-01.jsonl"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"count":12', b'"count":-12'),
        (b'"count":12', b'"count":NaN'),
        (b'"count":12', b'"count":12.0'),
        (b'"count":12', b'"count":true'),
        (b'"count":12', b'"count":' + b"9" * 5000),
        (b'"area_m2":1234.5678', b'"area_m2":1e999'),
        (b'"area_m2":1234.5678', b'"area_m2":' + b"9" * 400),
        (b'"area_m2":1234.5678', b'"area_m2":true'),
        (b'"outline":[', b'"outline":' + b"[" * 5000),
        (b'"outline":[', b'"outline":' + b"[" * 500 + b"]" * 500 + b',"x":['),
        (b"[16.51,59.37]", b"[16.51,59.37,1]"),
        (b"[16.51,59.37]", b"[16.51,Infinity]"),
        (b'"outline":null', b'"outline":[[]]'),
        (b'"outline":null', b'"outline":[[[[1,1],[2,2],[1,1]]]]'),
        (b'"outline":null', b'"outline":[[[[1,1],[2,2],[2,1],[1,2]]]]'),
        (b'"units":[1]', b'"units":[]'),
        (b'"units":[1]', b'"units":[1,1]'),
        (b'"units":[1]', b'"units":1'),
        (b'"themes":["vald"]', b'"themes":[null]'),
        (b'"row":"atom"', b'"row":"event"'),
        (b'"row":"atom"', b'"row":["atom"]'),
        (b'"row":"atom",', b""),
        (b'"level":"place"', b'"level":"address"'),
        (b'{"row"', b'["row"'),
        (b'{"row"', b'\xff{"row"'),
        (b'{"row"', b'\n{"row"'),
        (b'{"row"', b'{"lon":16.5,"row"'),
    ],
)
def test_a_signed_row_that_is_not_right_is_refused_with_its_line(file_town, tmp_path, old, new):
    assert old in ROWS
    data = resigned(rows=ROWS.replace(old, new, 1))
    with pytest.raises(UnreadableFile, match="bundle-row") as caught:
        file_town.receive(sent(tmp_path, data))
    assert caught.value.values["part"] == "part-01.jsonl"
    assert 1 <= caught.value.values["line"] <= 8
    assert file_town.held() == []


@given(st.integers(0, len(ROWS) - 1), st.binary(max_size=3))
def test_no_signed_row_is_taken_with_another_byte(at, instead):
    rows = ROWS[:at] + instead + ROWS[at + 1 :]
    if rows != ROWS:
        try:
            bundle = bundle_format.read(resigned(rows=rows), "x.lbz", KNOWN)
        except UnreadableFile:
            return
        (told,) = bundle.release.parts
        kept = told == part()  # only how it is written differs: 1.50, or a space
        assert kept or told.computed_digest() != told.digest


def with_atoms(change):
    """Make a part whose atoms are others."""
    return part(atoms=tuple(change(list(part().atoms))))


def moved(unit, lon):
    return replace(unit, outline=MultiPolygon([box(lon, 59.3, lon + 0.01, 59.31)]))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (part(counts=(12, 7, 4, 31)), "bundle-small"),
        (with_atoms(lambda a: [replace(a[0], k=4), *a[1:]]), "bundle-small"),
        (with_atoms(lambda a: [replace(a[0], k=13), *a[1:]]), "bundle-small"),
        (with_atoms(lambda a: [*a, a[0]]), "bundle-atoms"),
        (part(units=(), atoms=(), findings=()), "bundle-atoms"),
        (with_atoms(lambda a: [*a, replace(a[0], number=7)]), "bundle-overlap"),
        (with_atoms(lambda a: [replace(a[0], tertials=(1,)), *a[1:]]), "bundle-hole"),
        (with_atoms(lambda a: a[:-1]), "bundle-hole"),
        (with_atoms(lambda a: [replace(a[0], units=(1, 5)), *a[1:]]), "bundle-units"),
        (part(units=(*UNITS, ground(3, "mesta", 16.55))), "bundle-units"),
        (part(units=(*UNITS[:2], UNITS[1], NOWHERE)), "bundle-units"),
        (part(units=(moved(UNITS[0], 18.06), *UNITS[1:])), "bundle-elsewhere"),
        (part(findings=(said(13),)), "bundle-sum"),
        (part(findings=(said(12), said(12))), "bundle-sum"),
        (part(findings=(said(12, place="mesta"),)), "bundle-sum"),
        (part(findings=(said(12, theme="brand"),)), "bundle-sum"),
        (part(findings=(said(12, theme="bus"),)), "bundle-sum"),
        (part(findings=(said(12, block="helgnatt"),)), "bundle-sum"),
        (part(product=SENSITIVE), "bundle-sensitive"),
        (part("2026"), "bundle-embargo"),
        (part(after_day=date(2025, 1, 1)), "bundle-embargo"),
        (part(embargo_until=date(2025, 12, 31)), "bundle-embargo"),
    ],
)
def test_what_is_signed_but_is_no_release_is_refused(file_town, tmp_path, wrong, code):
    assert refused(file_town.receive, sent(tmp_path, bundled(release(wrong)))) == code
    assert file_town.held() == []


def test_a_part_cannot_stand_there_twice(file_town, tmp_path):
    twice = bundled(release(part(), part(counts=(20, 7, 5, 31))))
    assert refused(file_town.receive, sent(tmp_path, twice)) == "bundle-part-twice"


def test_two_parts_that_share_a_day_are_refused(file_town, tmp_path):
    autumn = part("2025-T3", first_day=date(2025, 9, 1))
    both = bundled(release(part(), autumn))
    assert refused(file_town.receive, sent(tmp_path, both)) == "bundle-periods-overlap"
    layer = part("2024–2026", product=PHYSICAL, first_day=date(2024, 1, 1))
    assert file_town.receive(sent(tmp_path, bundled(release(part(), layer)))).new


def test_a_part_too_fine_for_a_release_is_refused_before_it_costs_anything():
    atom = part().atoms[0]
    fine = part(
        units=tuple(replace(NOWHERE, number=n) for n in range(1_000)),
        atoms=(
            replace(
                atom,
                units=tuple(range(1_000)),
                themes=tuple(f"t{n}" for n in range(1_000)),
                blocks=tuple(f"b{n}" for n in range(1_000)),
            ),
        ),
        findings=(),
    )
    everywhere, today = ESKILSTUNA.envelope, date(2026, 11, 1)
    assert refused(bundle_checks.require_release, [fine], everywhere, today) == "bundle-too-fine"


def test_a_layer_need_not_cover_everything(file_town, tmp_path):
    layer = part(product=PHYSICAL, atoms=part().atoms[:-1])
    assert file_town.receive(sent(tmp_path, bundled(release(part(), layer)))).new


def test_the_embargo_ends_by_the_municipalitys_own_date(file_town, tmp_path):
    last = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)  # the second of November in Sweden
    file = sent(tmp_path, bundled(release(part(embargo_until=date(2026, 11, 2)))))
    assert refused(file_town.receive, file) == "bundle-embargo"
    assert file_town.receive(file, now=last).new


def test_a_bundle_from_the_future_is_refused(file_town, tmp_path):
    for ahead, code in ((timedelta(minutes=59), None), (timedelta(hours=2), "bundle-from-future")):
        file = sent(tmp_path, bundled(release(created_at=NOW + ahead)))
        if code is None:
            assert file_town.receive(file).new
        else:
            assert refused(file_town.receive, file) == code


def test_what_a_store_would_not_give_back_as_it_was_signed_is_not_kept(town, tmp_path):
    file = sent(tmp_path, bundled(release(settings={"bandwidth": 1e300})))
    if town.releases.is_geopackage:
        town.verify(town.receive(file).number)
    else:  # JSONB gives back a whole number of 301 digits
        assert refused(town.receive, file) == "release-not-as-signed"
        assert town.held() == []


def test_a_clash_with_what_is_stored_leaves_nothing(town, tmp_path):
    town.receive(sent(tmp_path, BUNDLE))
    later = release(part(counts=(13, 7, 5, 31)), part("2024"), created_at=MADE + timedelta(days=1))
    before = [town.whole(1)]
    assert refused(town.receive, sent(tmp_path, bundled(later))) == "bundle-moved"
    assert [town.whole(each.number) for each in town.held()] == before


# --- One bundle after another


def following(town, tmp_path, *parts, **values):
    """Receive a release, and then one made the day after; give what comes of the second."""
    town.receive(sent(tmp_path, BUNDLE))
    known = values.pop("known", KNOWN)
    key = values.pop("key", KEY)
    later = release(*parts, **{"created_at": MADE + timedelta(days=1), **values})
    return town.receive(sent(tmp_path, bundled(later, 2, key)), known)


def test_another_year_is_added(town, tmp_path):
    digest = releases.digest_of(release(), (part(),))
    found = following(town, tmp_path, part(), part("2024"), previous=digest)
    assert (found.new, found.number, found.gap) == (True, 2, False)


def test_a_release_whose_forerunner_never_came_is_received_and_said(file_town, tmp_path):
    assert following(file_town, tmp_path, part(), part("2024"), previous="0" * 64).gap


def test_a_year_that_was_told_whole_is_not_told_in_tertials_afterwards(file_town, tmp_path):
    autumn = part("2025-T3", first_day=date(2025, 9, 1))
    assert refused(following, file_town, tmp_path, autumn) == "bundle-periods-overlap"


@pytest.mark.parametrize("counts", [(12, 7, 5, 36), (17, 7, 5, 26), (12, 12, 10, 31)])
def test_a_revision_may_move_a_number_by_k_or_more(file_town, tmp_path, counts):
    assert following(file_town, tmp_path, part(counts=counts)).new


@pytest.mark.parametrize("counts", [(13, 7, 5, 31), (12, 7, 5, 27), (17, 7, 9, 31)])
def test_a_revision_may_not_move_a_number_by_less(file_town, tmp_path, counts):
    assert refused(following, file_town, tmp_path, part(counts=counts)) == "bundle-moved"


def test_the_number_told_last_is_the_one_that_counts(file_town, tmp_path):
    following(file_town, tmp_path, part(counts=(18, 7, 5, 31)))
    third = release(part(counts=(13, 7, 5, 31)), created_at=MADE + timedelta(days=2))
    assert file_town.receive(sent(tmp_path, bundled(third, 3))).new


def test_a_closed_year_cannot_be_cut_in_another_way(file_town, tmp_path):
    one, two, three, four = part().atoms
    redrawn = part(
        atoms=(replace(one, units=(1, 2, 9), count=19), three, four),
        findings=(),
    )
    assert two.count + one.count == 19
    assert refused(following, file_town, tmp_path, redrawn) == "bundle-redrawn"


def test_the_ground_of_a_closed_year_cannot_move(file_town, tmp_path):
    shifted = part(units=(moved(UNITS[0], 16.51), *UNITS[1:]))
    assert refused(following, file_town, tmp_path, shifted) == "bundle-redrawn"


def test_a_closed_year_may_number_its_ground_anew_and_get_a_better_name(file_town, tmp_path):
    renamed = (replace(UNITS[0], number=7, place_name="Årby och Tunavallen"), *UNITS[1:])
    atoms = tuple(
        replace(each, units=tuple(7 if n == 1 else n for n in each.units)) for each in part().atoms
    )
    assert following(file_town, tmp_path, part(units=renamed, atoms=atoms)).new


def test_an_old_bundle_cannot_be_played_again(town, tmp_path):
    following(town, tmp_path, part(), part("2024"))
    assert refused(town.receive, sent(tmp_path, BUNDLE)) == "bundle-older"
    never_seen = bundled(release(part("2023"), created_at=MADE - timedelta(days=1)))
    assert refused(town.receive, sent(tmp_path, never_seen)) == "bundle-older"
    same_moment = bundled(release(part("2023"), created_at=MADE + timedelta(days=1)))
    assert refused(town.receive, sent(tmp_path, same_moment)) == "bundle-older"
    assert len(town.held()) == 2


@pytest.mark.parametrize("changed", [{"house": "Polisen Mitt"}, {"key": OTHER_KEY}])
def test_a_new_name_or_a_new_key_does_not_start_afresh(file_town, tmp_path, changed):
    both = {**KNOWN, "polisen-2027": signing.public_half(OTHER_KEY)}
    little = part(counts=(13, 7, 5, 31))
    assert refused(following, file_town, tmp_path, little, known=both, **changed) == "bundle-moved"


def test_what_was_made_here_is_another_houses(file_town, tmp_path):
    file_town.keep(release(part(counts=(13, 7, 5, 31)), created_at=MADE + timedelta(days=9)))
    assert file_town.receive(sent(tmp_path, BUNDLE)).new


# --- Before it is put in force


def test_a_received_release_is_sound_until_somebody_changes_it(town, tmp_path):
    number = town.receive(sent(tmp_path, BUNDLE)).number
    town.verify(number)
    for table, values in (
        (release_models.ReleaseAtom, {"count": 6}),
        (release_models.ReleaseFinding, {"verdict": "sakerstalld"}),
        (release_models.ReleaseUnit, {"place_name": "Lagersberg"}),
        (release_models.ReleasePart, {"embargo_until": date(2026, 1, 30)}),
        (release_models.Release, {"synthetic": False}),
        (release_models.Release, {"audit": clean(release(), pairs=1)}),
        (release_models.Release, {"digest": "0" * 64}),
    ):
        with town.releases.trial() as connection:
            connection.execute(sa.update(table).values(**values))
            header, parts = releases.find(connection, number), releases.parts(connection, number)
        assert refused(bundles.verify, header, parts, KNOWN) == "release-not-as-signed", table
    town.verify(number)


def test_rows_and_fingerprints_changed_together_are_found_by_the_signature(file_town, tmp_path):
    number = file_town.receive(sent(tmp_path, BUNDLE)).number
    header, _ = file_town.whole(number)
    forged = part(counts=(99, 7, 5, 31))
    digest = releases.digest_of(header, (forged,))
    header = replace(header, digest=digest)
    assert releases.intact(header, (forged,))
    assert refused(bundles.verify, header, (forged,), KNOWN) == "release-not-as-signed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda _: None, "release-unsigned"),
        (lambda _: "", "release-signer"),
        (lambda letter: letter[:-1], "release-signer"),
        (
            lambda letter: letter.replace("osaker", "saker").replace('"k":5', '"k":6'),
            "release-signer",
        ),
        (lambda _: signing.sign(KEY, b"{}") + "{}", "release-not-as-signed"),
    ],
)
def test_a_letter_that_is_not_the_houses_own_is_refused(file_town, tmp_path, change, code):
    header, parts = file_town.whole(file_town.receive(sent(tmp_path, BUNDLE)).number)
    changed = replace(header, signature=change(header.signature))
    assert refused(bundles.verify, changed, parts, KNOWN) == code


def test_a_key_that_is_no_longer_trusted_puts_nothing_in_force(file_town, tmp_path):
    number = file_town.receive(sent(tmp_path, BUNDLE)).number
    others = {"polisen": signing.public_half(OTHER_KEY)}
    assert refused(file_town.verify, number, others) == "release-signer"
    assert refused(file_town.verify, number, {}) == "release-signer"


# --- The whole way


def a_year(desk):
    """Take in a year of events: two codes at a dozen places in each of three parts of town."""
    corners = (CENTRE, QUIET, (16.53, 59.391))
    rows = []
    for number in range(730):
        lon, lat = corners[number % 3]
        day = datetime(2024, 1, 1, number % 24) + timedelta(days=number // 2)  # noqa: DTZ001 - local
        cells = lonlat(lon + number % 4 * 0.001, lat + number % 5 * 0.001)
        code = ("0357", "1201")[number % 7 > 2]
        start = f"{day:%Y-%m-%d %H:%M}"
        times = {"BROTTSDATUMTID_START": start, "BROTTSDATUMTID_SLUT": start}
        rows.append(report(number, BROTTSKOD=code, **times, **cells))
    assert desk.take_rows(*rows).counts.accepted == 730


def test_the_polices_picture_is_the_municipalitys(desks, tmp_path):
    (police_desk, police), (town_desk, town) = desks
    a_year(police_desk)
    made = built.build_and_activate(police_desk.store, police.releases, Choice(house=HOUSE), NOW)
    number = made.header.number
    file = tmp_path / "utgava-1.lbz"
    bundles.write(police.prepare(number), file, police.log, "kommandorad:anna")
    found = town.receive(file)
    put = built.activate(town_desk.store, town.releases, found.number, NOW, KNOWN)
    theirs, ours = Released(*police.whole(number)), Released(*town.whole(found.number))
    assert put.active
    assert ours.periods() == theirs.periods() == ("2024",)
    told = ours.part()
    assert len(told.part.atoms) > 10
    assert told.part.findings
    for theme in ("", *told.themes):
        for level in LEVELS:
            asked = Asked(themes=(theme,) if theme else ())
            assert ours.answer(asked, level) == theirs.answer(asked, level)


def test_a_received_release_somebody_changed_is_not_put_in_force(desks, tmp_path):
    _, (desk, town) = desks
    number = town.receive(sent(tmp_path, BUNDLE)).number
    town.change(release_models.ReleaseFinding, verdict="sakerstalld")
    activate = (built.activate, desk.store, town.releases, number, NOW)
    assert refused(*activate, KNOWN) == "release-not-as-signed"
    assert not town.held()[0].active


def logged(house):
    """List what the log says, newest first: what, outcome and what was asked."""
    with house.journal.read() as connection:
        lines = journal.page(connection, Wanted(), None, 50)
    return [(line.entry.what, line.entry.outcome, line.entry.asked) for line in lines]


def test_the_way_on_the_command_line(desks, command, tmp_path, monkeypatch):
    (desk, police), (_, town) = desks
    a_year(desk)
    today = datetime.now(UTC)  # as the command line has it
    built.build_and_activate(desk.store, police.releases, Choice(house=HOUSE), today)
    key, file = tmp_path / "key.pem", tmp_path / "utgava-1.lbz"
    code, said_then, _ = command(police.url, "release", "key", key)
    line = next(word for word in said_then.split() if word.startswith(signing.PREFIX))
    assert code == 0
    assert signing.public_key(line).fingerprint in said_then
    assert command(police.url, "release", "export", 1, file)[0] == 2  # no key is set
    monkeypatch.setenv("LAGESBILD_SIGNING_KEY", str(key))
    assert command(police.url, "release", "export", 1, file)[0] == 0
    assert command(police.url, "release", "export", 1, file)[0] == 2  # never overwritten
    assert command(town.url, "release", "import", file)[0] == 2  # nobody is trusted
    monkeypatch.setenv("LAGESBILD_TRUSTED_KEYS", f"polisen={line}")
    code, said_then, _ = command(town.url, "release", "import", file)
    assert (code, HOUSE in said_then, "polisen" in said_then) == (0, True, True)
    code, said_then, _ = command(town.url, "release", "import", file)
    assert (code, HOUSE in said_then) == (0, True)
    outcomes = [(what, outcome) for what, outcome, _ in logged(police)]
    assert outcomes == [
        *(("release-export", each) for each in ("refused", "given", "refused")),
        ("release-key", "given"),
    ]
    assert [asked.get("new") for _, _, asked in logged(town)] == [False, True, None]


def test_what_was_tampered_with_is_one_sentence_and_one_line_in_the_log(
    desks, command, tmp_path, monkeypatch
):
    _, (_, town) = desks
    monkeypatch.setenv("LAGESBILD_TRUSTED_KEYS", f"polisen={KNOWN['polisen'].line}")
    flipped = bytearray(BUNDLE)
    flipped[len(BUNDLE) // 2] ^= 1
    tampered = {
        "bundle-damaged": bytes(flipped),
        "bundle-not-zip": b"hej",
        "signature-key-unknown": bundled(release(), key=OTHER_KEY),
        "bundle-version": resigned(setting("version", 2)),
        "bundle-small": bundled(release(part(counts=(12, 7, 4, 31)))),
    }
    for why, data in tampered.items():
        file = sent(tmp_path, data)
        code, out, err = command(town.url, "release", "import", file)
        assert (code, out, len(err.strip().splitlines())) == (2, "", 1), why
        what, outcome, asked = logged(town)[0]
        assert (what, outcome, asked) == ("release-import", "refused", {"why": why})
    assert len(logged(town)) == len(tampered)
