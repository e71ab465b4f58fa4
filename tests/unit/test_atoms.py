"""Into which parts events are divided so that no part is small."""

import time
from collections import defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import atoms
from geo.atoms import Atom, Facts, Level, Rules, build, cover, partition, units
from geo.errors import InvalidParameter

SIZES = {"period": 6, "theme": 3, "place": 12}


def ints(values):
    return np.array(values, dtype=np.int64)


def places(counts, spots=None):
    """Give `counts[p]` events in place p, each on its own spot unless told."""
    rows = [(p, i) for p, n in enumerate(counts) for i in range(n)]
    most = [n if spots is None else spots[p] for p, n in enumerate(counts)]
    return Facts(
        count=np.ones(len(rows), dtype=np.int64),
        spot=ints([100 * p + i % most[p] for p, i in rows]),
        leaf={"place": ints([p for p, _ in rows])},
    )


def by_place(of):
    return Level("place", "place", ints(of))


def shape(parts, dimension="place"):
    """Give each atom's leaves and count."""
    return [(tuple(part.leaves[dimension].tolist()), part.count) for part in parts]


ALONE = [by_place(range(4))]


def test_values_that_hold_stand_alone_and_the_others_become_one():
    assert shape(build(places([9, 2, 7, 4]), ALONE)) == [((0,), 9), ((2,), 7), ((1, 3), 6)]


def test_empty_values_are_part_of_the_remainder():
    assert shape(build(places([9, 0, 4, 3]), ALONE)) == [((0,), 9), ((1, 2, 3), 7)]


def test_a_short_remainder_draws_in_the_smallest_that_holds():
    assert shape(build(places([9, 7, 4, 8]), ALONE)) == [((0,), 9), ((3,), 8), ((1, 2), 11)]


def test_among_equals_the_first_is_drawn_in():
    assert shape(build(places([7, 7, 4, 7]), ALONE)) == [((1,), 7), ((3,), 7), ((0, 2), 11)]


def test_a_remainder_draws_in_as_many_as_it_needs():
    rules = Rules(k=5, k_of={"place": ints([5, 5, 12, 5])})
    assert shape(build(places([5, 6, 0, 9]), ALONE, rules)) == [((0, 1, 2, 3), 20)]
    rules = Rules(k=5, k_of={"place": ints([5, 5, 11, 5])})
    assert shape(build(places([5, 6, 0, 9]), ALONE, rules)) == [((3,), 9), ((0, 1, 2), 11)]


def test_one_value_that_holds_beside_nothing_is_no_split():
    assert shape(build(places([9, 0, 0, 0]), ALONE)) == [((0, 1, 2, 3), 9)]


def test_all_values_stand_alone_when_all_hold():
    assert shape(build(places([5, 6, 7, 8]), ALONE)) == [((i,), 5 + i) for i in range(4)]


def test_events_of_too_few_places_do_not_hold():
    facts = places([9, 9, 9, 9], spots=[3, 2, 3, 1])
    assert shape(build(facts, ALONE)) == [((0,), 9), ((2,), 9), ((1, 3), 18)]


def test_unknown_places_count_as_one():
    facts = places([9, 9, 9, 9])
    spot = np.where(facts.leaf["place"] == 2, -1, facts.spot)
    spot[np.flatnonzero(facts.leaf["place"] == 1)[2:]] = -1  # two known and the unknown
    facts = Facts(facts.count, spot, facts.leaf)
    assert shape(build(facts, ALONE)) == [((1,), 9), ((3,), 9), ((0, 2), 18)]


def test_one_place_in_two_parts_of_a_remainder_counts_once():
    facts = places([9, 3, 3, 9])
    low = (facts.leaf["place"] == 1) | (facts.leaf["place"] == 2)
    facts = Facts(facts.count, np.where(low, facts.spot % 2, facts.spot), facts.leaf)
    assert shape(build(facts, ALONE)) == [((3,), 9), ((0, 1, 2), 15)]


def test_ground_with_few_addresses_joins_the_remainder():
    grounds = ints([0, 7, 8, 3])
    found = build(places([9, 9, 9, 9]), ALONE, Rules(grounds=grounds))
    assert shape(found) == [((0,), 9), ((2,), 9), ((1, 3), 18)]
    # Seven addresses alone are too few; the first to be drawn in has none, so the next is too.
    found = build(places([9, 9, 9, 0]), ALONE, Rules(grounds=ints([0, 7, 8, 0])))
    assert shape(found) == [((0, 1, 2, 3), 27)]


def test_nothing_is_released_when_all_events_together_do_not_hold():
    assert build(places([4, 0, 0, 0]), ALONE) == ()
    assert build(places([9, 0, 0, 0], spots=[2, 1, 1, 1]), ALONE) == ()
    assert build(places([0, 0, 0, 0]), ALONE) == ()
    assert build(places([9, 9, 0, 0]), ALONE, Rules(grounds=ints([1, 2, 3, 1]))) == ()
    assert build(places([9, 9, 0, 0]), ALONE, Rules(k_of={"place": ints([5, 5, 5, 19])})) == ()


def test_a_leaf_value_that_asks_for_more_asks_even_where_it_has_no_event():
    asked = {"theme": ints([5, 10, 5])}
    facts = Facts(
        ints([1] * 14), np.arange(14), {"theme": ints([0] * 6 + [2] * 8), "place": ints([0] * 14)}
    )
    levels = [Level("theme", "theme", np.arange(3)), Level("place", "place", np.arange(2))]
    assert shape(build(facts, levels, Rules(k_of=asked)), "theme") == [((0, 1, 2), 14)]
    assert shape(build(facts, levels), "theme") == [((2,), 8), ((0, 1), 6)]


def test_a_value_that_asks_for_more_asks_it_in_every_other_dimension():
    # 12 person crimes in 6 + 6 are not split by place; 12 others are.
    theme, place = np.repeat([0, 1], 12), np.tile(np.repeat([0, 1], 6), 2)
    facts = Facts(ints([1] * 24), np.arange(24), {"theme": theme, "place": place})
    levels = [Level("theme", "theme", np.arange(2)), Level("place", "place", np.arange(2))]
    found = build(facts, levels, Rules(k_of={"theme": ints([10, 5])}))
    assert shape(found) == [((0, 1), 12), ((0,), 6), ((1,), 6)]


def test_a_later_level_of_a_dimension_splits_inside_an_earlier_one():
    levels = [by_place([0, 0, 1, 1]), by_place(range(4))]
    found = build(places([9, 8, 7, 2]), levels)
    assert shape(found) == [((0,), 9), ((1,), 8), ((2, 3), 9)]


def test_a_remainder_is_split_by_other_dimensions_but_not_again_by_its_own():
    facts = places([12, 12, 30, 2])
    theme = np.arange(facts.count.size) % 2
    facts = Facts(facts.count, facts.spot, {**facts.leaf, "theme": theme})
    by_theme = Level("theme", "theme", np.arange(2))
    found = build(facts, [by_place([0, 0, 1, 2]), by_theme, by_place(range(4))])
    assert shape(found) == [((2,), 15), ((2,), 15), ((0, 1, 3), 13), ((0, 1, 3), 13)]
    # The part that stands alone is split again, and so is one that no level of place has touched.
    found = build(facts, [by_place([0, 0, 1, 1]), by_theme, by_place(range(4))])
    assert shape(found)[:2] == [((0,), 6), ((1,), 6)]


@pytest.mark.parametrize(
    ("facts", "levels", "rules", "code"),
    [
        (places([9]), [by_place([0])], Rules(k=1, spots=1), "release-rules-too-weak"),
        (places([9]), [by_place([0])], Rules(k=5, spots=1), "release-rules-too-weak"),
        (places([9]), [by_place([0])], Rules(k=3, spots=3), "release-rules-too-weak"),
        (places([9]), [by_place([0])], Rules(grounds=ints([1, 2])), "release-levels-differ"),
        (places([9]), [by_place([0])], Rules(k_of={"theme": ints([9])}), "release-levels-differ"),
        (places([9]), [by_place([0]), by_place([0, 1])], Rules(), "release-levels-differ"),
        (places([9]), [], Rules(), "release-levels-differ"),
        (
            places([9]),
            [by_place([0]), Level("t", "t", ints([0]))],
            Rules(),
            "release-levels-differ",
        ),
        (places([0, 9]), [by_place([0])], Rules(), "release-leaf-unknown"),
        (
            Facts(ints([9]), ints([1]), {"place": ints([-1])}),
            [by_place([0])],
            Rules(),
            "release-leaf-unknown",
        ),
        (
            Facts(ints([0]), ints([1]), {"place": ints([0])}),
            [by_place([0])],
            Rules(),
            "release-count-below-one",
        ),
        (
            Facts(ints([5, 5]), ints([1]), {"place": ints([0])}),
            [by_place([0])],
            Rules(),
            "shapes-differ",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(facts, levels, rules, code):
    with pytest.raises(InvalidParameter, match=code):
        build(facts, levels, rules)


# Properties, on data that Hypothesis makes.

STEPS = (
    ("period", 3),
    ("place", 4),
    ("theme", 1),
    ("place", 2),
    ("period", 1),
    ("place", 1),
)


@st.composite
def releases(draw):
    """Draw facts, levels and rules."""
    rows = draw(st.integers(0, 60))
    random = np.random.default_rng(draw(st.integers(0, 10**9)))
    crowd = draw(st.sampled_from([0.3, 1.0, 3.0]))

    def some(size):
        weight = random.random(size) ** crowd
        return random.choice(size, rows, p=weight / weight.sum())

    place = some(12)
    spot = np.where(random.random(rows) < 0.1, -1, place * 4 + random.integers(0, 4, rows))
    facts = Facts(
        random.integers(1, draw(st.sampled_from([2, 5])), rows),
        spot,
        {"period": some(6), "theme": some(3), "place": place},
    )
    steps = draw(st.permutations(STEPS))
    levels = [Level(f"{d}/{s}", d, np.arange(SIZES[d]) // s) for d, s in steps]
    rules = Rules(
        k=(k := draw(st.integers(3, 7))),
        spots=draw(st.integers(2, k - 1)),
        k_of=draw(st.sampled_from([{}, {"theme": ints([3, 10, 5])}])),
        grounds=draw(st.sampled_from([None, ints([0, 5, 9, 1] * 3)])),
    )
    return facts, levels, rules


def held(atom, facts):
    return np.all([np.isin(facts.leaf[d], own) for d, own in atom.leaves.items()], axis=0)


def combinations_of(atom):
    mask = np.zeros(tuple(SIZES.values()), dtype=bool)
    mask[np.ix_(*(atom.leaves[d] for d in SIZES))] = True
    return mask


def canonical(parts):
    return sorted((part.count, *(tuple(part.leaves[d].tolist()) for d in SIZES)) for part in parts)


@settings(max_examples=150, deadline=None)
@given(releases())
def test_every_atom_holds_and_all_atoms_are_everything_once(release):
    facts, levels, rules = release
    parts = build(facts, levels, rules)
    for part in parts:
        rows = held(part, facts)
        asked = [int(k[part.leaves[d]].max()) for d, k in rules.k_of.items()]
        assert part.count == facts.count[rows].sum()
        assert part.count >= max(rules.k, *asked, 0)
        assert np.unique(facts.spot[rows]).size >= rules.spots
        if rules.grounds is not None:
            addresses = rules.grounds[part.leaves["place"]].sum()
            assert addresses == 0 or addresses >= 8
    if parts:
        assert sum(part.count for part in parts) == facts.count.sum()
        assert (sum(combinations_of(part).astype(int) for part in parts) == 1).all()


@settings(max_examples=100, deadline=None)
@given(releases(), st.integers(0, 10**9))
def test_differences_of_unions_of_atoms_have_no_event_or_k(release, seed):
    facts, levels, rules = release
    parts = build(facts, levels, rules)
    random = np.random.default_rng(seed)
    masks = np.array([combinations_of(part) for part in parts]).reshape(len(parts), 6, 3, 12)
    here = tuple(facts.leaf[d] for d in SIZES)
    for _ in range(10):
        one, other = (masks[random.random(len(parts)) < 0.5].any(axis=0) for _ in range(2))
        events = int(facts.count[(one & ~other)[here]].sum())
        assert events == 0 or events >= rules.k


@settings(max_examples=60, deadline=None)
@given(releases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(release, random):
    facts, levels, rules = release
    order = list(range(facts.count.size))
    random.shuffle(order)
    order = np.array(order, dtype=np.intp)
    leaf = {d: own[order] for d, own in facts.leaf.items()}
    shuffled = Facts(facts.count[order], facts.spot[order], leaf)
    assert canonical(build(shuffled, levels, rules)) == canonical(build(facts, levels, rules))


@settings(max_examples=60, deadline=None)
@given(releases(), st.integers(0, 10**9))
def test_other_numbers_for_the_leaves_give_the_same_parts(release, seed):
    facts, levels, rules = release
    random = np.random.default_rng(seed)
    new = {d: random.permutation(size) for d, size in SIZES.items()}  # old leaf -> new leaf
    old = {d: np.argsort(own) for d, own in new.items()}
    renamed = Facts(facts.count, facts.spot, {d: new[d][own] for d, own in facts.leaf.items()})
    there = [Level(each.name, each.dimension, each.of[old[each.dimension]]) for each in levels]
    asked = {d: own[old[d]] for d, own in rules.k_of.items()}
    grounds = None if rules.grounds is None else rules.grounds[old["place"]]
    found = build(renamed, there, Rules(rules.k, rules.spots, asked, grounds))
    back = [
        Atom({d: np.sort(old[d][own]) for d, own in each.leaves.items()}, each.count)
        for each in found
    ]
    assert canonical(back) == canonical(build(facts, levels, rules))


# Somebody who knows the algorithm, and tries every input.


def told(unknowns, levels, rules, most):
    """Give the sums of 1..k-1 that follow from what is published, over all inputs there are.

    `unknowns` lists (spot, leaf values) that may have events, at most `most` together.
    """
    dimensions = [level.dimension for level in levels]
    cells = sorted({leaves for _, leaves in unknowns})
    inputs = defaultdict(set)
    for table in tables(len(unknowns), most):
        chosen = [i for i, n in enumerate(table) if n]
        leaf = {
            d: ints([dict(unknowns[i][1])[d] for i in chosen]) for d in dict.fromkeys(dimensions)
        }
        facts = Facts(
            ints([table[i] for i in chosen]), ints([unknowns[i][0] for i in chosen]), leaf
        )
        parts = build(facts, levels, rules)
        published = tuple(
            (part.count, *(tuple(own.tolist()) for own in part.leaves.values())) for part in parts
        )
        by_cell = dict.fromkeys(cells, 0)
        for i in chosen:
            by_cell[unknowns[i][1]] += table[i]
        inputs[published].add(tuple(by_cell.values()))
    inputs.pop((), None)
    sums = np.array(list(product([0, 1], repeat=len(cells)))).T
    found = []
    for published, possible in inputs.items():
        values = np.array(sorted(possible)) @ sums
        known = values.min(axis=0) == values.max(axis=0)
        if (known & (values[0] > 0) & (values[0] < rules.k)).any():
            found.append(published)
    return len(inputs), found


def tables(unknowns, most):
    """Yield all ways to place up to `most` events."""
    if unknowns == 0:
        yield ()
        return
    for first in range(most + 1):
        for rest in tables(unknowns - 1, most - first):
            yield (first, *rest)


def spots(places, each, themes=1):
    """Give `each` spots in every place, with every theme."""
    return [
        (place * each + spot, (("place", place), ("theme", theme)))
        for place in range(places)
        for spot in range(each)
        for theme in range(themes)
    ]


THEMES = Level("theme", "theme", np.arange(2))
ONE_THEME = Level("theme", "theme", np.zeros(1, dtype=np.int64))


@pytest.mark.parametrize(
    ("unknowns", "levels", "rules", "most"),
    [
        (spots(3, 2), [ONE_THEME, by_place(range(3))], Rules(k=3, spots=2), 9),
        # Place 3 can only be one spot, so it never holds.
        (
            [*spots(3, 2), (9, (("place", 3), ("theme", 0)))],
            [ONE_THEME, by_place([0, 0, 1, 2]), by_place(range(4))],
            Rules(k=3, spots=2),
            8,
        ),
        (spots(3, 1, 2), [by_place([0, 0, 1]), THEMES, by_place(range(3))], Rules(3, 2), 8),
        (spots(3, 1, 2), [THEMES, by_place([0, 0, 1]), by_place(range(3))], Rules(3, 2), 8),
        (
            spots(3, 1, 2),
            [by_place(range(3)), THEMES],
            Rules(3, 2, k_of={"theme": ints([3, 5])}),
            8,
        ),
        (
            spots(3, 2),
            [ONE_THEME, by_place([0, 1, 1]), by_place(range(3))],
            Rules(3, 2, grounds=ints([3, 9, 0])),
            8,
        ),
    ],
)
def test_the_algorithm_tells_nobody_a_small_number(unknowns, levels, rules, most):
    outputs, found = told(unknowns, levels, rules, most)
    assert outputs > 4
    assert found == []


ZONES = [ONE_THEME, by_place([0, 0, 1, 2]), by_place(range(4))]
A_HOLE = places([1, 3, 2, 4], spots=[1, 2, 2, 2])  # place 1 would hold inside the first zone


def test_a_remainder_that_is_split_again_in_its_dimension_would_tell(monkeypatch):
    # The control: without sentence 6 the same search finds small numbers.
    cut = atoms._cut  # noqa: SLF001 - where sentence 6 is kept

    def forgetful(*arguments):
        return [replace(piece, merged=frozenset()) for piece in cut(*arguments)]

    levels = ZONES[1:]
    assert shape(build(A_HOLE, levels, Rules(3, 2))) == [((3,), 4), ((0, 1, 2), 6)]
    monkeypatch.setattr(atoms, "_cut", forgetful)
    assert shape(build(A_HOLE, levels, Rules(3, 2))) == [((3,), 4), ((1,), 3), ((0, 2), 3)]
    unknowns = [
        (2 * p + i, (("place", p), ("theme", 0)))
        for p, i in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]
    ]
    assert told(unknowns, ZONES, Rules(3, 2), 10)[1]


@pytest.mark.parametrize(
    ("of", "rules", "most"), [(range(3), Rules(3, 1), 8), ([0, 0, 1, 1], Rules(2, 2), 6)]
)
def test_weaker_rules_would_tell(monkeypatch, of, rules, most):
    # The control for the rule k > spots >= 2.
    monkeypatch.setattr(atoms, "_require_rules", lambda *_: None)
    assert told(spots(len(of), 1), [ONE_THEME, by_place(of)], rules, most)[1]


# Answers.


def some_atoms():
    return (
        Atom({"theme": ints([0]), "place": ints([0])}, 9),
        Atom({"theme": ints([0]), "place": ints([1, 2])}, 8),
        Atom({"theme": ints([1, 2]), "place": ints([0, 1])}, 7),
        Atom({"theme": ints([1, 2]), "place": ints([2])}, 6),
        Atom({"theme": ints([0, 1, 2]), "place": ints([3])}, 5),
    )


def mask(size, *chosen):
    one = np.zeros(size, dtype=bool)
    one[list(chosen)] = True
    return one


@pytest.fixture(name="five")
def _five():
    return partition(some_atoms(), {"theme": 3, "place": 4})


def test_a_question_that_atoms_answer_exactly(five):
    answer = cover(five, {"theme": mask(3, 0), "place": mask(4, 0, 1, 2)})
    assert answer.atom.tolist() == [0, 1]
    assert answer.union.tolist() == [0, 1]
    assert answer.count.tolist() == [9, 8]
    assert answer.exact.tolist() == [True, True]
    assert answer.within["place"].tolist() == [[1, 0, 0, 0], [0, 1, 1, 0]]
    assert answer.within["theme"].tolist() == [[1, 0, 0], [1, 0, 0]]


def test_a_question_that_atoms_answer_only_with_more_than_was_asked(five):
    answer = cover(five, {"theme": mask(3, 1), "place": mask(4, 0, 1)})
    assert answer.count.tolist() == [7]
    assert answer.exact.tolist() == [False]
    assert np.flatnonzero(answer.within["theme"][0]).tolist() == [1, 2]
    answer = cover(five, {"theme": mask(3, 0), "place": mask(4, 1)})
    assert (answer.atom.tolist(), answer.exact.tolist()) == ([1], [False])


def test_atoms_whose_places_overlap_answer_together(five):
    answer = cover(five, {})
    assert answer.atom.tolist() == [0, 1, 2, 3, 4]
    assert answer.union.tolist() == [0, 0, 0, 0, 1]
    assert answer.count.tolist() == [30, 5]
    assert answer.exact.all()


def test_a_question_about_nothing_has_no_answer(five):
    answer = cover(five, {"theme": mask(3)})
    assert answer.count.size == answer.atom.size == 0
    assert answer.within["place"].shape == (0, 4)
    assert cover(partition((), {"place": 4}), {}).count.size == 0


def test_a_question_in_other_dimensions_is_refused(five):
    for asked in ({"colour": mask(3)}, {"theme": mask(4)}):
        with pytest.raises(InvalidParameter, match="release-levels-differ"):
            cover(five, asked)
    with pytest.raises(InvalidParameter, match="release-levels-differ"):
        partition(some_atoms(), {"theme": 3})
    with pytest.raises(InvalidParameter, match="release-leaf-unknown"):
        partition(some_atoms(), {"theme": 3, "place": 3})


@settings(max_examples=60, deadline=None)
@given(releases(), st.integers(0, 10**9))
def test_a_cover_is_all_atoms_that_meet_the_question_in_the_smallest_disjoint_unions(release, seed):
    parts = build(*release)
    random = np.random.default_rng(seed)
    asked = {d: random.random(size) < 0.4 for d, size in SIZES.items()}
    answer = cover(partition(parts, SIZES), asked)
    box = np.ix_(*(asked[d] for d in SIZES))
    wanted = np.zeros(tuple(SIZES.values()), dtype=bool)
    wanted[box] = True
    masks = [combinations_of(part) for part in parts]
    assert answer.atom.tolist() == [i for i, m in enumerate(masks) if (m & wanted).any()]
    assert answer.within["place"].sum(axis=0).max(initial=0) <= 1
    for union in range(answer.count.size):
        members = answer.atom[answer.union == union]
        together = np.any([masks[i] for i in members], axis=0)
        assert answer.count[union] == sum(parts[i].count for i in members)
        assert answer.exact[union] == (not (together & ~wanted).any())
        for axis, dimension in enumerate(SIZES):
            others = tuple(i for i in range(3) if i != axis)
            assert (answer.within[dimension][union] == together.any(axis=others)).all()


@settings(max_examples=60, deadline=None)
@given(releases())
def test_units_are_the_leaves_that_no_atom_tells_apart(release):
    parts = build(*release)
    for dimension, size in SIZES.items():
        unit = units(parts, dimension, size)
        member = np.zeros((len(parts), size), dtype=bool)
        for row, part in zip(member, parts, strict=True):
            row[part.leaves[dimension]] = True
        for one, other in product(range(size), repeat=2):
            assert (unit[one] == unit[other]) == (member[:, one] == member[:, other]).all()
        firsts = np.unique(unit, return_index=True)[1]
        assert (np.diff(firsts) > 0).all()
        assert np.unique(unit).tolist() == list(range(unit.max() + 1))


@pytest.fixture(name="city", scope="module")
def _city():
    """Give 100,000 events of three years in 15,000 cells, five time blocks and eight themes."""
    random = np.random.default_rng(1)
    many, cells = 100_000, 15_000
    weight = np.exp(random.normal(0, 1.2, cells // 50)).repeat(50) * np.exp(
        random.normal(0, 1.5, cells)
    )
    place = random.choice(cells, many, p=weight / weight.sum())
    facts = Facts(
        count=np.ones(many, dtype=np.int64),
        spot=place * 30 + random.integers(0, 30, many),
        leaf={
            "place": place,
            "period": random.integers(0, 9, many),
            "block": random.integers(0, 5, many),
            "theme": random.integers(0, 8, many),
        },
    )
    sizes = {"place": cells, "period": 9, "block": 5, "theme": 8}
    steps = [("period", 3), ("place", 300), ("block", 1), ("theme", 1), ("period", 1)]
    steps += [("place", 7), ("place", 1)]
    levels = [Level(f"{d}/{s}", d, np.arange(sizes[d]) // s) for d, s in steps]
    return facts, levels, sizes


def test_a_city_of_three_years_is_divided_within_five_seconds(city):
    facts, levels, _ = city
    began = time.perf_counter()
    parts = build(facts, levels)
    assert time.perf_counter() - began < 5
    assert len(parts) > 5_000
    assert min(part.count for part in parts) >= 5


def test_a_map_is_answered_within_twenty_milliseconds(city):
    # Three on a machine that does nothing else.
    facts, levels, sizes = city
    parts = build(facts, levels)
    unit = units(parts, "place", sizes["place"])
    parts = [
        Atom({**part.leaves, "place": np.unique(unit[part.leaves["place"]])}, part.count)
        for part in parts
    ]
    among = partition(parts, {**sizes, "place": int(unit.max()) + 1})
    taken = []
    for year, theme in product(range(3), range(8)):
        asked = {"period": np.arange(9) // 3 == year, "theme": np.arange(8) == theme}
        began = time.perf_counter()
        answer = cover(among, asked)
        taken.append(time.perf_counter() - began)
        assert answer.count.size > 20
    assert float(np.median(taken)) < 0.02
