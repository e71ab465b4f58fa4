"""A release: built of closed periods, frozen, audited, shown, and refused when it is not whole."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from typer.testing import CliRunner

from geo.errors import Conflict, InvalidParameter, NotFound, StoreUnavailable, TooFewObservations
from pipelines import demo_data, places, profiles, release_audit, releases
from pipelines.commands import release
from pipelines.ingest import Options, ingest
from pipelines.places import PlaceImport
from pipelines.release_parts import Choice, Evidence, located, units_of_leaves
from pipelines.released import ZONE, Asked, ReleasedCache
from pipelines.texts import text
from store import db, installation, parts, schema
from store import releases as stored
from store.releases import PHYSICAL, SENSITIVE, TREE, Atom, Finding, NewRelease, Part, Unit
from tests.desk import CENTRE, Desk, lonlat, report

LAST_DAY = date(2025, 12, 31)
TAKEN_IN = datetime(2026, 1, 5, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 1, 12, tzinfo=UTC)
YEARS = ("2023", "2024", "2025")


@pytest.fixture(scope="session")
def demo_files(tmp_path_factory):
    """Write three whole years of invented incidents."""
    folder = tmp_path_factory.mktemp("release-files")
    return demo_data.write(folder, profiles.load("eskilstuna"), LAST_DAY, np.random.default_rng(7))


class House:
    """An installation's main part and its releases."""

    def __init__(self, url, folder):
        self.desk = Desk(url, folder)
        self.main = self.desk.store
        self.release = db.connect(url, parts.RELEASE)
        schema.upgrade(self.release)

    def fill(self, files):
        ingest(self.main, files.incidents, Options("incidents", synthetic=True), TAKEN_IN)
        places.import_file(self.main, PlaceImport(files.addresses, "addresses"))

    def build(self, choice=None, now=NOW, **options):
        return releases.build(self.main, self.release, choice or Choice(), now, **options)

    def show(self, choice=None, now=NOW, **options):
        built = self.build(choice, now, **options)
        releases.activate(self.main, self.release, built.header.number, now)
        return built

    def parts(self, number):
        with self.release.read() as connection:
            return {(p.product, p.period): p for p in stored.parts(connection, number)}

    def late(self, *rows):
        """Take in rows that were reported after the first release."""
        self.desk.take_rows(*rows, name="sent.csv", now=LATER)

    def close(self):
        self.main.close()
        self.release.close()


@pytest.fixture(scope="session")
def full_file(filled_file, demo_files, tmp_path_factory):
    """Make a GeoPackage with three years of incidents, and one release in force."""
    path = tmp_path_factory.mktemp("released") / "store.gpkg"
    shutil.copy(filled_file, path)
    house = House(f"sqlite:///{path}", path.parent)
    house.fill(demo_files)
    house.show()
    for store in (house.main, house.release):
        with store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    house.close()
    return path


@pytest.fixture
def house(full_file, tmp_path):
    """Give a copy of it."""
    for name in ("store.gpkg", "store.release.gpkg"):
        shutil.copy(full_file.parent / name, tmp_path / name)
    house = House(f"sqlite:///{tmp_path / 'store.gpkg'}", tmp_path)
    yield house
    house.close()


@pytest.fixture
def new_house(house):
    """Give one that has the incidents and has never released anything."""
    with house.release.write() as connection:
        connection.execute(sa.text("DELETE FROM release"))
    return house


def standing_on(house, part):
    with house.main.read() as connection:
        evidence = Evidence(connection, Choice())
    return located(part, evidence)


def test_both_stores_release_and_tell_the_same(desk, demo_files, full_file):
    house = House(desk.url, desk.folder)
    house.fill(demo_files)
    built = house.show()
    assert {period for period, product in built.fresh if product == TREE} == set(YEARS)
    released = ReleasedCache(house.release).in_force()
    twin = db.connect(f"sqlite:///{full_file}", parts.RELEASE)
    other = ReleasedCache(twin).in_force()
    assert released.header.digest == other.header.digest
    assert released.answer(Asked(), ZONE) == other.answer(Asked(), ZONE)
    house.close()
    twin.close()


def test_every_atom_holds_k_events_from_three_places_and_nothing_is_lost(house):
    for year in YEARS:
        part = house.parts(1)[TREE, year]
        found = standing_on(house, part)
        assert found.count.tolist() == [atom.count for atom in part.atoms]
        assert found.count.min() >= 5
        assert found.spots.min() >= 3
        whole = house.desk.one(
            "SELECT sum(count) FROM incident WHERE on_map AND starts_at >= :a AND starts_at < :b",
            a=f"{int(year) - 1}-12-31T23:00:00.000Z",
            b=f"{year}-12-31T23:00:00.000Z",
        )
        assert found.count.sum() == whole


def test_units_name_their_ground_so_that_it_is_found_again(house):
    with house.main.read() as connection:
        ground = Evidence(connection, Choice()).grounds
    part = house.parts(1)[TREE, "2025"]
    of_leaf = units_of_leaves(part, ground)
    zones = {unit.number: unit.zone for unit in part.units}
    own = [
        zones[unit] == ground.zones[zone].slug
        for unit, zone in zip(of_leaf.tolist(), ground.leaf_zone.tolist(), strict=True)
    ]
    assert all(own)
    singled = {cell for unit in part.units for cell in unit.cells}
    assert singled
    assert all(unit.outline is None or unit.outline.is_valid for unit in part.units)


def test_outlines_do_not_overlap_and_show_no_incident(house):
    part = house.parts(1)[TREE, "2025"]
    drawn = [unit for unit in part.units if unit.outline is not None]
    assert len(drawn) > 50
    for unit in drawn:
        inside = [other for other in drawn if other.number > unit.number]
        shared = sum(unit.outline.intersection(other.outline).area for other in inside)
        assert shared < 1e-7  # square degrees: slivers along rounded borders
    corners = np.concatenate(
        [np.array(polygon.exterior.coords) for unit in drawn for polygon in unit.outline.geoms]
    )
    assert (np.abs(corners * 1e6 - np.rint(corners * 1e6)) < 1e-3).all()


def test_the_core_and_most_areas_answer_by_theme_and_block(house):
    released = ReleasedCache(house.release).in_force()
    told = released.part("2025")
    core = next(unit.place for unit in told.units if unit.kind == "nightlife")
    night = told.answer(Asked(themes=("krogvald",), blocks=("helgnatt",), places=(core,)))
    assert night.exact
    assert night.total >= 15


def test_a_release_tells_of_every_product_how_much_is_shown(new_house):
    built = new_house.build()
    shares = {each.product: each for each in built.shares if each.period == "2025"}
    assert set(shares) == {"place", "place-theme", "place-theme-block", "r8", "r9", "tertial"}
    themes = shares["place-theme"]
    assert themes.asked >= 10
    assert themes.answered >= themes.asked / 2
    assert 0 < shares["r9"].percent < shares["place"].percent <= 100
    assert built.address_rule


def test_the_sensitive_number_stands_alone(house):
    part = house.parts(1)[SENSITIVE, "2025"]
    (atom,) = part.atoms
    whole = house.desk.one(
        "SELECT sum(count) FROM incident WHERE NOT on_map AND starts_at >= :a AND starts_at < :b",
        a="2024-12-31T23:00:00.000Z",
        b="2025-12-31T23:00:00.000Z",
    )
    assert atom.count == whole >= 10
    tree = house.parts(1)[TREE, "2025"]
    assert "kansliga" not in {theme for each in tree.atoms for theme in each.themes}


def test_open_and_uncovered_periods_are_named_and_not_told(new_house):
    early = new_house.build(now=datetime(2026, 1, 20, 12, tzinfo=UTC))
    left = {each.period: each.why for each in early.left if each.product == TREE}
    assert left == {"2025": "open"}
    new_house.desk.take_rows(
        report(1, BROTTSDATUMTID_START="2021-06-06 12:00", BROTTSDATUMTID_SLUT="2021-06-06 12:00")
    )
    left = {each.period: each.why for each in new_house.build().left if each.product == TREE}
    assert left == {"2021": "not-covered", "2022": "not-covered"}


def test_the_next_release_copies_what_was_told_to_the_letter(house):
    house.late(
        *(
            report(
                n, BROTTSDATUMTID_START="2025-05-05 12:00", BROTTSDATUMTID_SLUT="2025-05-05 12:00"
            )
            for n in range(900_000, 900_003)
        )
    )
    with pytest.raises(Conflict, match="release-nothing-new"):
        house.build(now=LATER)
    # A year later there is a new year to tell, and the old ones are the same.
    rows = [
        report(
            910_000 + n,
            BROTTSDATUMTID_START=f"2026-{1 + n % 12:02}-{1 + n % 28:02} 12:00",
            BROTTSDATUMTID_SLUT=f"2026-{1 + n % 12:02}-{1 + n % 28:02} 12:00",
            **lonlat(CENTRE[0] + n % 7 * 0.0004, CENTRE[1]),
        )
        for n in range(400)
    ]
    house.desk.take_rows(
        *rows,
        report(
            919_998, BROTTSDATUMTID_START="2026-01-01 12:00", BROTTSDATUMTID_SLUT="2026-01-01 12:00"
        ),
        report(
            919_999, BROTTSDATUMTID_START="2026-12-31 12:00", BROTTSDATUMTID_SLUT="2026-12-31 12:00"
        ),
        name="2026.csv",
        now=datetime(2027, 1, 2, tzinfo=UTC),
    )
    after = datetime(2027, 2, 15, 12, tzinfo=UTC)
    built = house.show(now=after)
    assert built.fresh == (("2026", TREE),)
    old, new = house.parts(1), house.parts(2)
    assert all(new[key] == old[key] for key in old)
    assert new[TREE, "2026"].digest not in {part.digest for part in old.values()}
    with house.release.read() as connection:
        first, second = stored.find(connection, 1), stored.find(connection, 2)
    assert second.previous == first.digest
    assert second.audit["copied"] == ["2025"]


def late_rows(first, many, spots):
    """Report violence in the core on summer nights, on so many different spots."""
    return [
        report(
            first + n,
            BROTTSDATUMTID_START="2025-07-04 23:30",
            BROTTSDATUMTID_SLUT="2025-07-04 23:30",
            **lonlat(CENTRE[0] + n % spots * 0.00003, CENTRE[1]),
        )
        for n in range(many)
    ]


def moved(house):
    before, after = house.parts(1)[TREE, "2025"], house.parts(2)[TREE, "2025"]
    assert [replace(atom, count=0) for atom in before.atoms] == [
        replace(atom, count=0) for atom in after.atoms
    ]
    pairs = zip(before.atoms, after.atoms, strict=True)
    return [new.count - old.count for old, new in pairs if new.count != old.count]


def test_a_revision_follows_many_late_events_from_several_places(house):
    house.late(*late_rows(920_000, 7, spots=4))
    house.late(*late_rows(920_100, 5, spots=4))
    built = house.show(now=LATER, revise=True)
    assert built.revised["2025"] == 1
    assert moved(house) == [12]


def test_a_revision_stays_where_one_importer_could_take_off_what_was_his_own(house):
    house.late(*late_rows(920_000, 7, spots=4))
    house.late(*late_rows(920_100, 4, spots=4))
    with pytest.raises(Conflict, match="release-nothing-new"):
        house.build(now=LATER, revise=True)


@pytest.mark.parametrize(("many", "spots"), [(4, 4), (12, 1), (12, 2)])
def test_a_revision_stays_where_few_events_or_few_places_are_new(house, many, spots):
    house.late(*late_rows(920_000, many, spots))
    with pytest.raises(Conflict, match="release-nothing-new"):
        house.build(now=LATER, revise=True)


def test_two_releases_of_one_period_that_differ_by_a_late_report_are_not_both_shown(new_house):
    new_house.build()
    new_house.late(*late_rows(930_000, 1, 1))
    new_house.build(now=LATER)
    releases.activate(new_house.main, new_house.release, 2, LATER)
    # The first is whole and was right when it was built; beside the second it gives one away.
    with pytest.raises(Conflict, match="release-leaks"):
        releases.activate(new_house.main, new_house.release, 1, LATER)
    with new_house.release.read() as connection:
        found = stored.find(connection, 1).audit
        assert stored.active(connection).number == 2
    assert found["leaks"] > 0
    assert set(found["kinds"]) & {"bundle-moved", "bundle-redrawn"}


def test_a_release_that_waited_while_its_events_changed_is_not_shown(new_house):
    new_house.build()
    new_house.late(*late_rows(930_000, 1, 1))
    with pytest.raises(Conflict, match="release-leaks"):
        releases.activate(new_house.main, new_house.release, 1, LATER)


def test_another_name_of_the_house_does_not_undo_what_is_frozen(house):
    with pytest.raises(Conflict, match="release-nothing-new"):
        house.build(Choice(house="Polisen"))


TAMPERED = (
    "UPDATE release_atom SET count = count + 1 WHERE id = (SELECT min(id) FROM release_atom)",
    "DELETE FROM release_atom WHERE id = (SELECT max(id) FROM release_atom)",
    "UPDATE release_unit SET place_name = 'x' WHERE id = (SELECT min(id) FROM release_unit)",
    "UPDATE release_finding SET count = count + 1 WHERE id = (SELECT min(id) FROM release_finding)",
    "UPDATE release_part SET embargo_until = '2020-01-01' WHERE period = '2025'",
    "UPDATE release SET house = 'x'",
    """UPDATE release SET settings = '{"k": 2}'""",
)


@pytest.mark.parametrize("change", TAMPERED)
def test_a_tampered_release_tells_nothing_and_is_not_put_in_force(house, change):
    with house.release.write() as connection:
        connection.execute(sa.text(change))
    with pytest.raises(StoreUnavailable, match="release-damaged"):
        ReleasedCache(house.release).in_force()
    with pytest.raises(Conflict, match="release-damaged"):
        releases.audit(house.main, house.release, 1, NOW)
    with pytest.raises(Conflict, match="release-damaged"):
        releases.activate(house.main, house.release, 1, NOW)


def test_a_small_or_overlapping_atom_is_found_whatever_the_fingerprint_says(house):
    with house.main.read() as connection:
        evidence = Evidence(connection, Choice())
    part = house.parts(1)[TREE, "2025"]
    small = replace(part, atoms=(replace(part.atoms[0], count=3), *part.atoms[1:])).sealed()
    twice = replace(
        part, atoms=(*part.atoms, replace(part.atoms[0], number=len(part.atoms)))
    ).sealed()
    for made, kinds in ((small, {"small", "wrong", "answer"}), (twice, {"release-not-a-tree"})):
        gate = release_audit._Gate(evidence, set())  # noqa: SLF001 - rows no builder makes
        gate.look_at(made)
        assert kinds <= set(gate.verdict("").kinds)


def test_the_tertials_of_the_running_year_are_told_where_they_are_chosen(new_house):
    tertials = Choice(order=("tertial", "place", "theme", "block"))
    october = datetime(2025, 10, 5, 12, tzinfo=UTC)
    built = new_house.show(tertials, now=october)
    trees = {period for period, product in built.fresh if product == TREE}
    assert trees == {"2023", "2024", "2025-T1", "2025-T2"}
    assert {each.period: each.why for each in built.left}["2025-T3"] == "open"
    # The year is never told as a whole: it would give the last tertial away.
    later = new_house.show(now=NOW)
    assert (("2025-T3", TREE) in later.fresh, ("2025", TREE) in later.fresh) == (True, False)
    third = new_house.parts(2)[TREE, "2025-T3"]
    assert {atom.tertials for atom in third.atoms} == {(3,)}
    assert (third.first_day, third.after_day) == (date(2025, 9, 1), date(2026, 1, 1))


def test_the_physical_layer_counts_damage_and_fires_of_three_years(new_house):
    house = new_house
    house.show(Choice(order=("place", "theme")))
    told = house.parts(1)[PHYSICAL, "2023–2025"]
    themes = ("skadegorelse_klotter", "brand")
    assert {atom.themes for atom in told.atoms} == {themes}
    whole = house.desk.one(
        "SELECT sum(count) FROM incident WHERE on_map AND starts_at >= :a AND starts_at < :b AND "
        "(category LIKE 'brand%' OR category IN ('skadegorelse', 'klotter'))",
        a="2022-12-31T23:00:00.000Z",
        b="2025-12-31T23:00:00.000Z",
    )
    assert sum(atom.count for atom in told.atoms) == whole
    cells = [unit for unit in told.units if unit.level == "cell"]
    assert len(cells) > 10
    assert sum(not unit.cells for unit in told.units) == 1
    with house.release.read() as connection:
        assert "2023–2025" in stored.find(connection, 1).audit["events"]


def test_the_physical_layer_is_withheld_where_the_trees_would_give_a_number_away(new_house):
    built = new_house.build()  # these trees are finer, and beside them it would tell of 4 events
    assert ("2023–2025", PHYSICAL) not in built.fresh
    assert [each.why for each in built.left if each.product == PHYSICAL] == ["leaks"]


def test_violence_can_be_held_to_more_events_than_other_themes(new_house):
    built = new_house.build(Choice(k_person=10))
    told = new_house.parts(built.header.number)[TREE, "2025"]
    person = [atom for atom in told.atoms if {"vald", "krogvald"} & set(atom.themes)]
    other = [atom for atom in told.atoms if not {"vald", "krogvald"} & set(atom.themes)]
    assert min(atom.count for atom in person) >= 10
    assert {atom.k for atom in person} == {10}
    assert min(atom.count for atom in other) < 10


def test_nothing_is_told_before_a_release_is_in_force(new_house):
    cache = ReleasedCache(new_house.release)
    assert cache.in_force() is None
    new_house.build()
    assert cache.in_force() is None
    with pytest.raises(NotFound, match="no-such-release"):
        releases.activate(new_house.main, new_house.release, 99, NOW)
    releases.activate(new_house.main, new_house.release, 1, NOW)
    assert cache.in_force().header.number == 1
    assert cache.in_force() is cache.in_force()


def test_a_house_without_incidents_or_with_overlapping_blocks_is_refused(gpkg_desk):
    house = House(gpkg_desk.url, gpkg_desk.folder)
    with pytest.raises(TooFewObservations, match="no-incidents"):
        house.build()
    gpkg_desk.take_rows(report(1))
    with house.main.write() as connection:
        document = connection.execute(sa.text("SELECT document FROM profile")).scalar_one()
        # helgkväll now runs into the night
        longer = document.replace(
            "[[5, 1020, 1380], [6, 1020, 1380]]", "[[5, 1020, 60], [6, 1020, 60]]"
        )
        assert longer != document
        connection.execute(sa.text("UPDATE profile SET document = :d"), {"d": longer})
    with pytest.raises(InvalidParameter, match="release-blocks-overlap"):
        house.build()
    house.close()


@pytest.mark.parametrize("order", [("place", "place"), ("street",), ("r9", "place")])
def test_an_order_that_cannot_be_followed_is_refused(order):
    with pytest.raises(InvalidParameter, match="release-order"):
        Choice(order=order)


@pytest.fixture
def typed(new_house, monkeypatch):
    """Give a function that types a command of releases, in a house that has released nothing."""
    installation.upgrade(new_house.desk.url)
    monkeypatch.setenv("LAGESBILD_DATABASE_URL", new_house.desk.url)
    return lambda *words: CliRunner().invoke(release.app, list(words))


def test_the_command_line_builds_audits_and_lists(typed, new_house):
    built = typed("build", "--embargo-days", "20")
    assert built.exit_code == 0, built.output
    assert text("release-next", number=1) in built.output
    values = {"period": "2025", "product": text("release-product-tree")}
    assert text("release-fresh", **values) in built.output
    audited = typed("audit")
    assert audited.exit_code == 0
    assert text("release-audited-clean") in audited.output
    with new_house.release.read() as connection:
        header = stored.find(connection, 1)
    line = text(
        "release-line",
        number=1,
        house="Eskilstuna kommun",
        created=f"{header.created_at:%Y-%m-%d %H:%M}",
        state=text("release-state-never"),
        audit=text("release-audit-clean"),
        digest=header.digest[:16],
    )
    assert line in typed("list").output


def test_what_the_command_line_refuses_is_in_the_log(typed, new_house):
    refused = typed("build", "--order", "street")
    assert refused.exception.code == "release-order"
    journal = db.connect(new_house.desk.url, parts.JOURNAL)
    with journal.read() as connection:
        rows = connection.execute(sa.text("SELECT what, body FROM look")).all()
    journal.close()
    (body,) = (body for what, body in rows if what == "release-build")
    assert '"refused"' in body
    assert '"release-order"' in body


def hand_made(count=9, year=2025):
    """Make a part with every kind of value there is."""
    square = shapely.MultiPolygon([shapely.box(16.5, 59.3, 16.6 + 1e-6, 59.4)])
    drawn = Unit(0, "ås", "Ås", "rest", "ås", "Ås", "cell", "Torget", 12.5, ("89aa",), 8, square)
    bare = Unit(1, "x", "X", "unknown", "x", "X", "nowhere", "", 0.0, (), None, None)
    atom = Atom(0, count, 5, (1, 2, 3), ("brand", "ran"), ("natt",), (0, 1))
    said = Finding(
        "place",
        "ås",
        "",
        "",
        count,
        "uncertain",
        "within-chance many",
        1 / 3,
        0.1,
        None,
        7,
        "unchanged",
        9 / 7,
        1e-9,
        1e9,
    )
    silent = Finding("zone", "ås", "", "natt", count, None, "", *(None,) * 8)
    days = date(year, 1, 1), date(year + 1, 1, 1), date(year + 1, 1, 31)
    return Part(str(year), TREE, *days, NOW, (drawn, bare), (atom,), (said, silent)).sealed()


def test_a_store_keeps_a_release_to_the_letter(store_url):
    store = db.connect(store_url, parts.RELEASE)
    schema.upgrade(store)
    with store.read() as connection:
        assert schema.drift(connection, parts.RELEASE) == []
    settings = {"k": 5, "ground": {"tree 2025": "å"}, "order": ["place"]}
    new = NewRelease("Ås", NOW, "", settings, True, "1", (hand_made(),))  # noqa: FBT003
    with store.write_alone() as connection:
        assert stored.active(connection) is None
        assert stored.add(connection, new) == 1
        assert stored.add(connection, replace(new, previous="ab", signature="s")) == 2
        stored.set_audit(connection, 1, {"leaks": 0, "kinds": {}})
        stored.activate(connection, 1, NOW)
        stored.activate(connection, 2, LATER)
        stored.activate(connection, 1, LATER)
    with store.read() as connection:
        header = stored.active(connection)
        assert stored.parts(connection, 1) == new.parts
        assert stored.intact(header, stored.parts(connection, 1))
        assert (header.number, header.activated_at, header.settings) == (1, NOW, settings)
        assert header.audit == {"leaks": 0, "kinds": {}}
        assert stored.active_digest(connection) == header.digest
        assert [each.number for each in stored.listing(connection)] == [2, 1]
        with pytest.raises(NotFound, match="no-such-release"):
            stored.find(connection, 3)
    store.close()


def test_a_release_that_could_not_be_stored_whole_leaves_nothing(store_url):
    store = db.connect(store_url, parts.RELEASE)
    schema.upgrade(store)
    twice = (hand_made(), hand_made(count=10))
    broken = NewRelease("Ås", NOW, "", {}, True, "1", twice)  # noqa: FBT003
    with pytest.raises(sa.exc.IntegrityError), store.write_alone() as connection:
        stored.add(connection, broken)
    with store.read() as connection:
        assert stored.listing(connection) == []
    store.close()
