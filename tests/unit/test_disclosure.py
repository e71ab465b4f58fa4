"""Whether anybody can find a count of 1..k-1 from published sums."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geo import disclosure
from geo.atoms import Atom, Facts, Level, Rules, build
from geo.disclosure import Findings, Published
from geo.errors import InvalidParameter

K = 5
SIZES = {"place": 6, "theme": 3}


def ints(values):
    return np.array(values, dtype=np.int64)


def published(sets, truth):
    """Publish sets of slices, with true numbers."""
    parts = np.zeros((len(sets), len(truth)), dtype=np.int64)
    for row, members in zip(parts, sets, strict=True):
        row[list(members)] = 1
    truth = ints(truth)
    return Published(sparse.csr_array(parts), parts @ truth, truth)


def kinds(findings):
    return [leak.kind for leak in findings.leaks]


def events(counts):
    """Give events by (place, theme); each its own spot."""
    rows = [(p, t, n) for (p, t), n in counts.items() if n]
    return Facts(
        count=ints([n for *_, n in rows]),
        spot=np.arange(len(rows)),
        leaf={"place": ints([p for p, *_ in rows]), "theme": ints([t for _, t, _ in rows])},
    )


def atom(facts, places, themes=(0, 1, 2)):
    """Publish a product of places and themes with its true number."""
    held = np.isin(facts.leaf["place"], places) & np.isin(facts.leaf["theme"], themes)
    return Atom({"place": ints(places), "theme": ints(themes)}, int(facts.count[held].sum()))


def test_two_filters_that_differ_by_three_give_the_three_away():
    found = disclosure.pairs(published([{0, 1}, {0, 1, 2}], [8, 9, 3]), K)
    assert [(leak.kind, leak.answers, leak.count) for leak in found.leaks] == [
        ("difference", (1, 0), 3)
    ]
    assert found.pairs == 1
    assert not found.clean


def test_two_filters_that_differ_by_k_give_nothing_away():
    assert disclosure.audit(published([{0, 1}, {0, 1, 2}], [8, 9, 5]), K).clean


def test_an_answer_inside_another_by_its_events_alone_is_compared_too():
    # Slice 2 is empty: the first answer is no part of the second, but all its events are.
    found = disclosure.pairs(published([{0, 2}, {0, 1}], [8, 3, 0]), K)
    assert [(leak.kind, leak.count) for leak in found.leaks] == [("difference", 3)]


def test_an_answer_below_k_is_found():
    found = disclosure.pairs(published([{0}, {1}, {2}], [4, 0, 5]), K)
    assert [(leak.kind, leak.answers, leak.count) for leak in found.leaks] == [("answer", (0,), 4)]


def test_an_answer_that_shows_another_number_than_the_truth_is_found():
    answers = published([{0}, {1}], [7, 8])
    wrong = Published(answers.parts, ints([7, 9]), answers.truth)
    found = disclosure.pairs(wrong, K)
    assert [(leak.kind, leak.answers, leak.count) for leak in found.leaks] == [("wrong", (1,), 8)]


def test_a_parent_minus_its_children_gives_the_hidden_child_away():
    answers = published([{0, 1, 2, 3}, {0}, {1}, {2}], [9, 8, 6, 2])
    assert disclosure.pairs(answers, K).clean
    found = disclosure.intervals(answers, K)
    assert [(leak.slices, leak.count) for leak in found.leaks] == [((3,), 2)]


def test_two_hidden_children_protect_each_other_but_not_their_sum():
    answers = published([{0, 1, 2, 3}, {0}, {1}], [9, 8, 2, 2])
    assert [leak.slices for leak in disclosure.intervals(answers, K).leaks] == [(2, 3)]
    answers = published([{0, 1, 2, 3}, {0}, {1}], [9, 8, 4, 2])
    assert disclosure.intervals(answers, K).clean


def test_what_is_left_of_an_answer_is_found_though_none_of_its_slices_is():
    # The last answer tells slices 2 and 3 apart; each may be 0..3, but together they are 3.
    answers = published([{0, 1, 2, 3}, {0}, {1}, {2, 4}], [9, 8, 1, 2, 7])
    assert [leak.slices for leak in disclosure.intervals(answers, K).leaks] == [(2, 3)]


def test_numbers_that_follow_because_none_is_negative_and_all_are_whole_are_found():
    # With x in slice 0 the last slice has 2x - 11, and x is at most 6: x = 6, though 5.5 fits too.
    answers = published([{0, 1}, {0, 2}, {1, 2, 3}], [6, 0, 0, 1])
    assert ((3,), 1) in [(x.slices, x.count) for x in disclosure.intervals(answers, K).leaks]


def test_a_wider_interval_asks_for_more():
    answers = published([{0, 1}, {1, 2}, {2, 3}, {3, 0}], [2, 7, 8, 9])
    # 2 + e, 7 - e, 8 + e, 9 - e: ten values, 0..9.
    assert disclosure.intervals(answers, K, width=9).clean
    assert (0,) in [leak.slices for leak in disclosure.intervals(answers, K, width=10).leaks]


@pytest.mark.parametrize(("truth", "apart"), [([6, 0, 0, 3], 2), ([10, 6, 6, 1], 12)])
def test_both_ends_of_an_interval_are_whole_solutions(monkeypatch, truth, apart):
    # With x in slice 0 the last slice has 2x - 9, or 2x - 19: an odd number, though 0 fits too.
    monkeypatch.setattr(disclosure, "_GUESSES", 0)
    answers = published([{0, 1}, {0, 2}, {1, 2, 3}], truth)
    for width in (apart, apart + 1):
        leaks = disclosure.intervals(answers, K, width=width).leaks
        assert ((3,) in [leak.slices for leak in leaks]) == (width > apart)


def test_what_the_solver_cannot_compute_is_reported_and_not_passed():
    much = 10**16 + 1  # beyond the whole numbers of a float
    answers = published([{0, 1}, {1, 2}, {2, 3}, {3, 0}], [2, much, much, much])
    assert [leak.slices for leak in disclosure.intervals(answers, K).leaks] == [(0,)]
    answers = published([{0, 1}, {1, 2}, {2, 3}, {3, 0}], [2, 9, 9, 9])
    assert disclosure.intervals(answers, K).clean


def test_slices_of_a_single_answer_are_anything_up_to_it():
    assert disclosure.intervals(published([{0, 1}], [3, 4]), K).clean
    assert disclosure.intervals(published([{0, 1}], [3, 4]), K, width=8).leaks
    assert [x.slices for x in disclosure.intervals(published([{0}], [3]), K).leaks] == [(0,)]


def whole_solutions(answers, most):
    total = answers.parts @ answers.truth
    grid = np.indices((most + 1,) * answers.truth.size).reshape(answers.truth.size, -1).T
    return grid[(grid @ answers.parts.T.toarray() == total).all(axis=1)]


def test_an_interval_is_what_enumeration_of_all_whole_solutions_says():
    random = np.random.default_rng(4)
    found_some = 0
    for _ in range(60):
        truth = random.integers(0, 3, 5)
        sets = [np.flatnonzero(random.random(5) < 0.5) for _ in range(4)]
        answers = published([each for each in sets if each.size], truth)
        held = np.flatnonzero(answers.parts.sum(axis=0))
        answers = Published(answers.parts[:, held], answers.shown, truth[held])
        solutions = whole_solutions(answers, int(answers.shown.max()))
        fixed = (solutions == solutions[0]).all(axis=0)
        small = (answers.truth > 0) & (answers.truth < K)
        leaks = disclosure.intervals(answers, K).leaks
        alone = {leak.slices[0] for leak in leaks if len(leak.slices) == 1}
        assert alone == set(np.flatnonzero(fixed & small).tolist())
        for leak in leaks:
            assert set((solutions[:, list(leak.slices)].sum(axis=1)).tolist()) == {leak.count}
        found_some += len(leaks)
    assert found_some > 20


def test_slices_are_the_combinations_that_the_same_rows_speak_of():
    facts = events({(0, 0): 6, (1, 1): 7, (2, 2): 8, (3, 0): 1})
    rows = [atom(facts, [0, 1, 2]), atom(facts, [1, 2, 3], [0, 1]), atom(facts, [5])]
    answers = disclosure.of_atoms(rows, facts, SIZES)
    expected = {}
    for place, theme in product(range(6), range(3)):
        key = tuple(
            i
            for i, r in enumerate(rows)
            if place in r.leaves["place"] and theme in r.leaves["theme"]
        )
        here = (facts.leaf["place"] == place) & (facts.leaf["theme"] == theme)
        expected[key] = expected.get(key, 0) + int(facts.count[here].sum())
    expected.pop(())
    slices = [tuple(column.nonzero()[0].tolist()) for column in answers.parts.toarray().T]
    assert dict(zip(slices, answers.truth.tolist(), strict=True)) == expected
    assert (answers.parts @ answers.truth == answers.shown).all()


def test_collected_answers_are_cut_by_the_records_they_counted():
    held = sparse.csr_array(ints([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0]]))
    answers = disclosure.of_records(held, ints([4, 1, 2, 6, 9]), ints([7, 9]))
    assert sorted(answers.truth.tolist()) == [3, 4, 6]
    assert (answers.parts @ answers.truth == answers.shown).all()
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        disclosure.of_records(held, ints([4]), ints([7, 9]))


def test_rows_outside_their_dimensions_are_refused():
    facts = events({(0, 0): 6})
    with pytest.raises(InvalidParameter, match="release-leaf-unknown"):
        disclosure.of_atoms([Atom({"place": ints([6]), "theme": ints([0])}, 0)], facts, SIZES)


CITY = {"period": 12, "theme": 4, "place": 49}


def city(seed, many=3_000):
    """Give events in twelve quarters, four themes and 49 cells in seven coarser ones."""
    random = np.random.default_rng(seed)
    weight = random.pareto(1.2, 49) + 0.05
    place = random.choice(49, many, p=weight / weight.sum())
    return Facts(
        count=np.ones(many, dtype=np.int64),
        spot=place * 10 + random.integers(0, 10, many),
        leaf={
            "period": random.integers(0, 12, many),
            "theme": random.choice(4, many, p=[0.5, 0.3, 0.15, 0.05]),
            "place": place,
        },
    )


def product_table(facts, **steps):
    """Publish a cross table of some levels, all numbers but 1..4."""
    groups = {name: np.arange(size) // steps[name] for name, size in CITY.items()}
    rows = []
    for values in product(*(np.unique(group) for group in groups.values())):
        sets = {n: np.flatnonzero(groups[n] == v) for n, v in zip(CITY, values, strict=True)}
        inside = np.all([np.isin(facts.leaf[name], own) for name, own in sets.items()], axis=0)
        rows.append(Atom(sets, int(facts.count[inside].sum())))
    return [row for row in rows if row.count == 0 or row.count >= K]


def test_three_overlapping_tables_with_small_numbers_hidden_leak():
    facts = city(1, many=900)
    rows = [
        *product_table(facts, period=4, theme=1, place=1),  # year x theme x cell
        *product_table(facts, period=1, theme=4, place=1),  # quarter x cell
        *product_table(facts, period=1, theme=1, place=7),  # quarter x theme x coarser cell
    ]
    answers = disclosure.of_atoms(rows, facts, CITY)
    assert disclosure.pairs(answers, K).clean  # no two tables need be subtracted
    assert len(disclosure.intervals(answers, K).leaks) >= 5


def tree(facts, k=K):
    steps = [("period", 4), ("place", 7), ("theme", 1), ("period", 1), ("place", 1)]
    levels = [Level(f"{d}/{s}", d, np.arange(CITY[d]) // s) for d, s in steps]
    return build(facts, levels, Rules(k=k))


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_of_atoms_is_clean(seed):
    facts = city(seed)
    answers = disclosure.of_atoms(tree(facts), facts, CITY)
    found = disclosure.audit(answers, K)
    assert found.clean
    assert len(answers.shown) >= 90
    assert found.pairs == len(answers.shown) * (len(answers.shown) - 1) // 2


def test_every_union_of_atoms_may_be_answered_without_a_leak():
    facts = city(2)
    atoms = tree(facts)
    random = np.random.default_rng(0)
    member = random.random((80, len(atoms))) < random.random((80, 1))
    answers = disclosure.of_atoms(atoms, facts, CITY)
    unions = sparse.csr_array(member.astype(np.int64) @ answers.parts.toarray())
    found = disclosure.audit(Published(unions, unions @ answers.truth, answers.truth), K)
    assert found.clean


def test_200_000_differences_of_unions_give_nothing_away_in_ten_seconds():
    facts = city(3)
    atoms = tree(facts)
    random = np.random.default_rng(1)
    began = time.perf_counter()
    answers = disclosure.of_atoms(atoms, facts, CITY)
    parts = answers.parts.toarray().astype(np.float32)
    leaks = 0
    for _ in range(20):
        one = random.random((10_000, len(atoms))) < random.random((10_000, 1))
        # The second differs by a few atoms: the attacks that differencing is about.
        other = one ^ (random.random((10_000, len(atoms))) < 2 / len(atoms))
        events_of = parts @ answers.truth.astype(np.float32)
        for difference in (one & ~other, other & ~one):
            value = difference @ events_of
            leaks += int(((value > 0) & (value < K)).sum())
    assert leaks == 0
    assert time.perf_counter() - began < 10


def test_a_late_report_that_is_published_at_once_is_found():
    before = city(5)
    after = Facts(
        count=np.append(before.count, 1),
        spot=np.append(before.spot, 7),
        leaf={name: np.append(leaf, leaf[0]) for name, leaf in before.leaf.items()},
    )
    new = np.zeros(after.count.size)
    new[-1] = 1
    sets, shown = [], []
    for version, atoms in ((0, tree(before)), (1, tree(after))):
        for each in atoms:
            held = np.all([np.isin(after.leaf[d], v) for d, v in each.leaves.items()], axis=0)
            sets.append(held & ((new == 0) | (version == 1)))
            shown.append(each.count)
    held = sparse.csr_array(np.array(sets).astype(np.int64))
    found = disclosure.pairs(disclosure.of_records(held, after.count, ints(shown)), K)
    assert ("difference", 1) in [(leak.kind, leak.count) for leak in found.leaks]


def test_many_answers_are_compared_in_blocks(monkeypatch):
    sets = [{0, 1}, {0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}, {3, 4}]
    answers = published(sets, [8, 9, 3, 1, 7])
    expected = sorted(disclosure.pairs(answers, K).leaks, key=str)
    monkeypatch.setattr(disclosure, "_BLOCK", 2)
    assert sorted(disclosure.pairs(answers, K).leaks, key=str) == expected
    assert sorted(leak.count for leak in expected) == [1, 3, 4]


def test_a_component_of_many_answers_is_judged_by_slices_and_remainders(monkeypatch):
    answers = published([{0, 1, 2}, {1, 2, 3}, {1, 4}, {5, 4}], [9, 1, 1, 9, 8, 9])
    fully = disclosure.intervals(answers, K)
    monkeypatch.setattr(disclosure, "_MANY_ANSWERS", 2)
    some = disclosure.intervals(answers, K)
    assert some.leaks == fully.leaks
    assert some.intervals < fully.intervals


def test_audits_add_up():
    one, other = Findings(3, 1, ()), Findings(4, 2, (disclosure.Leak("answer", (0,), (), 2),))
    assert one + other == Findings(7, 3, other.leaks)
    assert (one.clean, other.clean) == (True, False)


# Two partitions of the same events.


def layers(truth, rows, columns):
    """Give a table's rows as one partition (themes) and its columns as another (places)."""
    sizes = {"theme": rows, "place": columns}
    counts = {(p, t): int(truth[t, p]) for t in range(rows) for p in range(columns)}
    facts = events(counts)
    first = [atom(facts, range(columns), [t]) for t in range(rows)]
    second = [atom(facts, [p], range(rows)) for p in range(columns)]
    return first, second, facts, sizes


def test_two_partitions_are_clean_when_nothing_small_follows():
    truth = ints([[9, 3, 8], [7, 9, 4], [6, 2, 9]])
    found = disclosure.joint(*layers(truth, 3, 3), k=K)
    assert found.clean
    assert found.intervals == 3


def test_a_layer_atom_almost_as_large_as_what_meets_it_is_found():
    facts = events({(0, 0): 7, (1, 0): 3, (2, 1): 9, (3, 1): 8})
    first = [atom(facts, [0, 1]), atom(facts, [2, 3]), atom(facts, [4, 5])]
    second = [atom(facts, [0]), atom(facts, [2]), atom(facts, [3])]
    found = disclosure.joint(first, second, facts, SIZES, K)
    assert ("cover", (3,), 3) in [(x.kind, x.answers, x.count) for x in found.leaks]
    # Place 1 is in no atom of the layer: what is left of the first atom is known all the same.
    assert ("inner", (0,), 3) in [(x.kind, x.answers, x.count) for x in found.leaks]


def test_a_layer_atom_a_little_larger_than_what_lies_inside_it_is_found():
    facts = events({(0, 0): 7, (1, 0): 3, (2, 0): 9})
    first = [atom(facts, [0]), atom(facts, [1, 2, 3, 4, 5])]
    second = [atom(facts, [0, 1]), atom(facts, [2, 3, 4, 5])]
    found = disclosure.joint(first, second, facts, SIZES, K)
    assert ("inner", (2,), 3) in [(x.kind, x.answers, x.count) for x in found.leaks]
    assert ("interval", 3) in [(x.kind, x.count) for x in found.leaks]


def test_an_atom_that_a_layer_holds_only_partly_is_no_part_of_what_meets_it():
    facts = events({(0, 0): 7, (1, 0): 6, (2, 0): 9, (3, 0): 8})
    first = [atom(facts, [0, 1]), atom(facts, [2, 3, 4, 5])]
    # 16 meet the 13 of the first atom, but 6 of the 13 are outside the layer.
    assert disclosure.joint(first, [atom(facts, [0, 2])], facts, SIZES, K).clean


def test_two_layer_atoms_together_are_compared_with_what_meets_either():
    # Alone each lacks 10 of what meets it, together 2.
    facts = events({(0, 0): 12, (1, 0): 10, (2, 0): 2, (3, 0): 9})
    first = [atom(facts, [0, 1, 2]), atom(facts, [3, 4, 5])]
    second = [atom(facts, [0]), atom(facts, [1]), atom(facts, [2, 3, 4, 5])]
    found = disclosure.joint(first, second, facts, SIZES, K)
    assert ("cover", (2, 3), 2) in [(x.kind, x.answers, x.count) for x in found.leaks]


def test_two_layer_atoms_together_are_compared_with_what_lies_inside_both():
    # The first atom lies in the first two of the layer together, in neither alone.
    facts = events({(0, 0): 6, (1, 0): 8, (2, 0): 2, (3, 0): 9})
    first = [atom(facts, [0, 1]), atom(facts, [2, 3, 4, 5])]
    second = [atom(facts, [0]), atom(facts, [1, 2]), atom(facts, [3, 4, 5])]
    found = disclosure.joint(first, second, facts, SIZES, K)
    assert ("inner", (2, 3), 2) in [(x.kind, x.answers, x.count) for x in found.leaks]


def test_a_whole_connected_group_of_layer_atoms_is_compared():
    facts = events({(0, 0): 6, (1, 0): 7, (2, 0): 8, (3, 0): 3, (4, 0): 9})
    first = [atom(facts, [0, 1, 2, 3]), atom(facts, [4, 5])]
    second = [atom(facts, [0]), atom(facts, [1]), atom(facts, [2])]
    found = disclosure.joint(first, second, facts, SIZES, K)
    assert ("cover", (2, 3, 4), 3) in [(x.kind, x.answers, x.count) for x in found.leaks]
    # The first atom against the layer, and what is left of it, say the same.
    assert {x.count for x in found.leaks} == {3}


def test_partitions_that_overlap_or_leave_something_out_are_refused():
    facts = events({(0, 0): 7, (1, 0): 8})
    everything = [atom(facts, range(6))]
    overlapping = [atom(facts, [0, 1]), atom(facts, [1, 2])]
    for first, second in (
        (everything, overlapping),
        (overlapping, everything),
        ([atom(facts, [0])], [atom(facts, [0, 1])]),
    ):
        with pytest.raises(InvalidParameter, match="release-parts-overlap"):
            disclosure.joint(first, second, facts, SIZES, K)


@settings(max_examples=60, deadline=None)
@given(
    table=st.integers(2, 4).flatmap(
        lambda columns: st.lists(
            st.lists(st.sampled_from([0, 0, 0, 1, 2, 9]), min_size=columns, max_size=columns),
            min_size=2,
            max_size=4,
        )
    )
)
def test_cycles_find_what_linear_programs_find(table):
    truth = ints(table)
    first, second, facts, sizes = layers(truth, *truth.shape)
    by_cycles = disclosure.joint(first, second, facts, sizes, K)
    answers = disclosure.of_atoms([*first, *second], facts, sizes)
    by_programs = disclosure.intervals(answers, K)
    assert {x.slices for x in by_cycles.leaks if x.kind == "interval"} == {
        x.slices for x in by_programs.leaks if len(x.slices) == 1
    }


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), part=st.floats(0.3, 1.0))
def test_differences_of_two_partitions_are_those_of_all_unions_of_two(seed, part):
    random = np.random.default_rng(seed)
    facts = events({(p, t): int(random.integers(0, 5)) for p in range(6) for t in range(3)})
    home = random.integers(0, 3, 6)
    first = [atom(facts, np.flatnonzero(home == i)) for i in np.unique(home)]
    second = [atom(facts, [p], [t]) for p in range(6) for t in range(3) if random.random() < part]
    found = disclosure.joint(first, second, facts, SIZES, K)
    seen = {(x.kind, x.answers) for x in found.leaks if x.kind in {"cover", "inner"}}
    masks = [combinations_of(each) for each in (*first, *second)]
    count = np.zeros(18, dtype=np.int64)
    np.add.at(count, facts.leaf["place"] * 3 + facts.leaf["theme"], facts.count)
    for i in range(len(second)):
        for j in range(i, len(second)):
            union = masks[len(first) + i] | masks[len(first) + j]
            over = sum(m for m in masks[: len(first)] if (m & union).any()) > 0
            under = sum(m * 1 for m in masks[: len(first)] if not (m & ~union).any())
            common = any(
                (m & masks[len(first) + i]).any() and (m & masks[len(first) + j]).any()
                for m in masks[: len(first)]
            )
            if not common:
                continue
            name = (len(first) + i,) if i == j else (len(first) + i, len(first) + j)
            assert (0 < count[over & ~union].sum() < K) == (("cover", name) in seen)
            assert (0 < count[union & ~(np.asarray(under) > 0)].sum() < K) == (
                ("inner", name) in seen
            )


def combinations_of(each):
    mask = np.zeros((6, 3), dtype=bool)
    mask[np.ix_(each.leaves["place"], each.leaves["theme"])] = True
    return mask.ravel()
