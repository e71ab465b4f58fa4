"""The audit of a release: can anybody find a count of 1..k-1 from published sums.

The audit trusts nothing that made the release. It takes what is published (which slices each
answer speaks of) and the truth, and looks for what an attacker could find:

- an answer of 1..k-1, and two answers of which one lies inside the other and that differ by
  1..k-1 (`pairs`): the differencing attack, also between two geographies, that Eurostat and
  Destatis name against their own grids;
- slices, overlaps and remainders of answers whose number follows from all answers together,
  since no number is negative (`intervals`): the interval attack on tables with suppressed cells
  (Fischetti & Salazar 2001, Management Science 47), by linear programs;
- both for two partitions of the same events (`joint`), where each slice has one atom of either
  and the question is one of cycles in a graph (Gusfield 1988, SIAM Journal on Computing 17).

The attacker knows every answer and nothing else; whoever knows the events of a slice already
knows more than is assumed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csgraph

from geo import atoms
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from geo.atoms import Atom, Facts

_BLOCK = 1_024  # answers compared at a time
_MANY_ANSWERS = 1_500  # in one component: from here on intervals judges slices and remainders only
_GUESSES = 8  # random corners of a component that are tried before a target's own programs
_NEARLY = 1e-6  # how far from a whole number a solution may lie


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """p answers over s slices, the finest pieces that any answer tells apart."""

    parts: sparse.csr_array  # (p, s): 1 where an answer speaks of a slice
    shown: NDArray[np.int64]  # (p,) the number each answer shows
    truth: NDArray[np.int64]  # (s,) events


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that can be found and should not be."""

    kind: str
    # "wrong": an answer shows another number than the truth
    # "answer": an answer itself
    # "difference": the first answer minus the second, which lies inside it
    # "interval": what all answers together say about some slices
    # "cover": the atoms of the other partition that meet these atoms, minus these
    # "inner": these atoms, minus the atoms of the other partition inside them
    answers: tuple[int, ...]  # in `joint` the second partition is numbered after the first
    slices: tuple[int, ...]  # what is found, where that is not the difference of the answers
    count: int  # events


@dataclass(frozen=True, slots=True)
class Findings:
    """What an audit looked at, and what it found."""

    pairs: int  # differences looked at
    intervals: int  # slices and sums of slices of which an interval was asked
    leaks: tuple[Leak, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.leaks

    def __add__(self, other: Findings) -> Findings:
        """Put two audits together."""
        return Findings(
            self.pairs + other.pairs, self.intervals + other.intervals, self.leaks + other.leaks
        )


def of_atoms(rows: Sequence[Atom], events: Facts, sizes: Mapping[str, int]) -> Published:
    """Cut published rows into slices and count the true events of each.

    Parameters
    ----------
    rows
        What is published: products of leaf sets and the number shown for each. They may overlap.
    events
        The truth.
    sizes
        dimension -> number of leaf values.

    Returns
    -------
    Slices are sets of combinations of leaf values that the same rows speak of; those without an
    event are slices too, because an attacker does not know that they are empty.

    Raises
    ------
    InvalidParameter
        Events or rows have leaf values that their dimensions do not have.
    """
    cells = _Cells.of(rows, events, sizes)
    answer = np.repeat(np.arange(len(rows)), [box.size for box in cells.boxes])
    box = np.concatenate([*cells.boxes, np.empty(0, dtype=np.int64)])
    shown = np.array([row.count for row in rows], dtype=np.int64)
    truth = np.bincount(cells.event, events.count, cells.size).astype(np.int64)
    return _cut(box, answer, truth, shown)


def of_records(
    held: sparse.csr_array, count: NDArray[np.int64], shown: NDArray[np.int64]
) -> Published:
    """Cut collected answers into slices by the true records each of them counted.

    Parameters
    ----------
    held
        (p, n) 1 where an answer counted a record.
    count
        (n,) events of each record.
    shown
        (p,) the number each answer showed.

    Raises
    ------
    InvalidParameter
        Lengths differ.
    """
    if held.shape != (shown.size, count.size):
        raise InvalidParameter("shapes-differ", held=held.shape, count=count.size, shown=shown.size)
    answer, record = sparse.coo_array(held).coords
    return _cut(record.astype(np.int64), answer.astype(np.int64), count, shown)


def _cut(
    item: NDArray[np.int64],
    answer: NDArray[np.int64],
    count: NDArray[np.int64],
    shown: NDArray[np.int64],
) -> Published:
    """Join the items that the same answers hold into slices; `item` and `answer` are pairs."""
    order = np.lexsort((answer, item))
    label = _classes(item[order], answer[order], count.size)
    many = int(label.max(initial=-1)) + 1
    pair = np.unique(answer * max(many, 1) + label[item])
    where = (pair // max(many, 1), pair % max(many, 1))
    parts = sparse.csr_array((np.ones(pair.size, dtype=np.int64), where), shape=(shown.size, many))
    held = label >= 0
    truth = np.bincount(label[held], count[held], many).astype(np.int64)
    return Published(parts, shown, truth)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Combinations of units of leaf values, numbered."""

    size: int
    boxes: list[NDArray[np.int64]]  # the combinations of each row
    event: NDArray[np.int64]  # the combination of each event

    @classmethod
    def of(cls, rows: Sequence[Atom], events: Facts, sizes: Mapping[str, int]) -> _Cells:
        """Give each combination of leaf values a number; those no row tells apart share it."""
        for dimension in sorted(sizes):
            atoms.require_leaves(dimension, events.leaf[dimension], sizes[dimension])
            for row in rows:
                atoms.require_leaves(dimension, row.leaves[dimension], sizes[dimension])
        size = 1
        boxes = [np.zeros(1, dtype=np.int64) for _ in rows]
        event = np.zeros(events.count.size, dtype=np.int64)
        for dimension in sorted(sizes):
            unit = atoms.units(rows, dimension, sizes[dimension])
            many = int(unit.max(initial=-1)) + 1
            mine = [np.unique(unit[row.leaves[dimension]]) for row in rows]
            boxes = [
                np.add.outer(box * many, own).ravel() for box, own in zip(boxes, mine, strict=True)
            ]
            event = event * many + unit[events.leaf[dimension]]
            size *= many
        return cls(size, boxes, event)


def _classes(item: NDArray[np.int64], holder: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Give items with the same holders the same number: (size,), -1 for those without any.

    `item` and `holder` are pairs, sorted by item and then by holder.
    """
    held = np.bincount(item, minlength=size)
    first = np.cumsum(held) - held
    label = np.where(held > 0, 0, -1).astype(np.int64)
    for depth in range(int(held.max(initial=0))):
        some = np.flatnonzero(held > depth)
        key = label[some] * (int(holder.max()) + 1) + holder[first[some] + depth]
        # Those that ended before keep their label; the others get new ones above all of them.
        label[some] = np.unique(key, return_inverse=True)[1] + label.max() + 1
    label[held > 0] = np.unique(label[held > 0], return_inverse=True)[1]
    return label


def audit(published: Published, k: int, width: int = 1) -> Findings:
    """Ask whether anybody can find a count of 1..k-1: `pairs` and `intervals` together."""
    return pairs(published, k) + intervals(published, k, width)


def pairs(published: Published, k: int) -> Findings:
    """Compare every answer with every other.

    Parameters
    ----------
    published
        The answers.
    k
        The smallest number of events that may be found.

    Returns
    -------
    Answers that show another number than the truth, answers of 1..k-1 events, and differences of
    1..k-1 between two answers of which one holds all the true events of the other.
    """
    total = published.parts @ published.truth
    leaks = list(_alone(published, k).leaks)
    filled = published.parts[:, np.flatnonzero(published.truth)]
    for answers, slices in _components(filled):
        if answers.size > 1:
            leaks += _differences(filled[answers][:, slices], answers, total[answers], k)
    many = published.shown.size
    return Findings(many * (many - 1) // 2, 0, tuple(leaks))


def _alone(published: Published, k: int) -> Findings:
    """Look at each answer by itself."""
    total = published.parts @ published.truth
    wrong, small = total != published.shown, (total > 0) & (total < k)
    leaks = [
        Leak(kind, (int(each),), (), int(total[each]))
        for kind, some in (("wrong", wrong), ("answer", small))
        for each in np.flatnonzero(some)
    ]
    return Findings(0, 0, tuple(leaks))


def _components(
    parts: sparse.csr_array,
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the answers and the slices that hang together; answers without a slice are left out."""
    rows, columns = parts.shape
    cells = sparse.coo_array(parts)
    graph = sparse.coo_array(
        (np.ones(cells.nnz), (cells.coords[0], cells.coords[1] + rows)), shape=(rows + columns,) * 2
    )
    label = csgraph.connected_components(graph, directed=False)[1]
    order = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label[order], append=-1)) + 1
    for members in np.split(order, ends[:-1]):
        if members.size > 1:
            yield members[members < rows], members[members >= rows] - rows


def _differences(
    parts: sparse.csr_array, number: NDArray[np.intp], total: NDArray[np.int64], k: int
) -> Iterator[Leak]:
    """Yield the pairs of answers, one inside the other, that differ by 1..k-1 events."""
    size = np.diff(parts.indptr)
    starts = range(0, number.size, _BLOCK)
    for inner, outer in product(starts, starts):
        left, right = slice(inner, inner + _BLOCK), slice(outer, outer + _BLOCK)
        # Numbers up to 2^24 are exact in 32 bits, and a dense product is fastest in them.
        small = parts[left].toarray().astype(np.float32)
        shared = small @ parts[right].toarray().astype(np.float32).T
        more = total[right][None, :] - total[left][:, None]
        found = (shared == size[left][:, None]) & (more > 0) & (more < k)
        for i, j in np.argwhere(found):
            pair = int(number[outer + j]), int(number[inner + i])
            yield Leak("difference", pair, (), int(more[i, j]))


def intervals(published: Published, k: int, width: int = 1) -> Findings:
    """Ask what all answers together say about each small slice and sum of slices.

    Parameters
    ----------
    published
        The answers.
    k
        The smallest number of events that may be found.
    width
        A number of 1..k-1 is found when the whole numbers it can be differ by less than this;
        1 means that it can only be itself.

    Returns
    -------
    What is asked for, where it has 1..k-1 true events: each slice; what two answers share, and
    what one has that the other has not; what is left of an answer outside all answers inside it.
    Where more than 1,500 answers hang together, two answers are not set against each other here
    (`pairs` does that for those inside one another).

    Notes
    -----
    Slices of answers that show 0 are known to be empty. Any two whole solutions that differ in a
    sum clear it, so most sums need no program of their own. The others get the smallest and the
    largest value of a linear program, and where a corner of it is not whole, of a whole-number
    program.
    """
    total = published.parts @ published.truth
    empty = published.parts.T @ (total == 0).astype(np.int64) > 0
    open_slices = np.flatnonzero(~empty)
    parts = published.parts[:, open_slices]
    asked, leaks = 0, []
    for answers, slices in _components(parts):
        system = _System(parts[answers][:, slices], published.truth[open_slices[slices]])
        targets = _targets(system, k)
        asked += len(targets)
        for target in system.found(targets, width):
            over = np.flatnonzero(system.parts @ target)
            leaks.append(
                Leak(
                    "interval",
                    tuple(answers[over].tolist()),
                    tuple(open_slices[slices[target > 0]].tolist()),
                    int(target @ system.truth),
                )
            )
    return Findings(0, asked, tuple(leaks))


def _targets(system: _System, k: int) -> NDArray[np.int64]:
    """Choose the sums of slices to ask for, all with 1..k-1 true events: (t, s) of 0 and 1."""
    parts, truth = system.parts, system.truth
    small = np.flatnonzero((truth > 0) & (truth < k))
    eye = np.zeros((small.size, truth.size), dtype=np.int64)
    eye[np.arange(small.size), small] = 1
    chosen = [eye]
    many = parts.shape[0]
    if many == 1:
        return eye
    shared = (parts @ parts.T).tocoo()
    size = np.diff(parts.indptr)
    low, high = shared.coords
    inside = (shared.data == size[low]) & (size[low] < size[high])
    inner = sparse.csr_array((np.ones(inside.sum()), (high[inside], low[inside])), (many, many))
    rest = np.flatnonzero(np.diff(inner.indptr))
    within = (inner[rest] @ parts).toarray() > 0
    chosen.append((parts[rest].toarray() > 0) & ~within)
    if many <= _MANY_ANSWERS:
        weighted = parts.multiply(truth).tocsr()
        events = np.asarray((weighted @ parts.T).todense())
        total = parts @ truth
        more = total[low] - events[low, high]
        apart = (more > 0) & (more < k)
        both = (events[low, high] > 0) & (events[low, high] < k) & (low < high)
        dense = parts.toarray() > 0
        chosen += [dense[low[apart]] & ~dense[high[apart]], dense[low[both]] & dense[high[both]]]
    sums = np.unique(np.concatenate([each.astype(np.int64) for each in chosen]), axis=0)
    events_of = sums @ truth
    return sums[(events_of > 0) & (events_of < k)]


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """What is known of one component: the sums of its slices, and that none is negative."""

    parts: sparse.csr_array  # (p, s)
    truth: NDArray[np.int64]  # (s,) one solution

    def found(self, targets: NDArray[np.int64], width: int) -> Iterator[NDArray[np.int64]]:
        """Yield the sums whose possible whole values differ by less than `width`."""
        low = targets @ self.truth
        high = low.copy()
        if self.parts.shape[0] == 1:  # one answer: each slice is anything from 0 to all of it
            high += self.truth.sum() if self.truth.size > 1 else 0
        elif targets.size:
            self._widen(targets, width, low, high)
        yield from targets[high - low < width]

    def _widen(
        self,
        targets: NDArray[np.int64],
        width: int,
        low: NDArray[np.int64],
        high: NDArray[np.int64],
    ) -> None:
        """Move the bounds outwards, until they are exact or at least `width` apart."""

        def see(solution: NDArray[np.int64]) -> None:
            value = targets @ solution
            np.minimum(low, value, out=low)
            np.maximum(high, value, out=high)

        chance = np.random.default_rng(0)
        for _ in range(_GUESSES):
            if (high - low >= width).all():
                return
            see(self._corner(chance.normal(size=self.truth.size)))
        for each, target in enumerate(targets):
            for direction in (1, -1):
                if high[each] - low[each] < width:
                    see(self._corner(direction * target.astype(np.float64)))

    def _corner(self, cost: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the whole solution that costs least."""
        total = self.parts @ self.truth
        known = LinearConstraint(self.parts, total, total)
        for whole in (0, 1):
            result = milp(cost, integrality=np.full(cost.size, whole), constraints=known)
            found = self.truth if result.x is None else result.x
            solution = np.rint(found).astype(np.int64)
            near = np.abs(found - solution).max() < _NEARLY
            if near and (self.parts @ solution == total).all():
                return solution
        return self.truth  # the solver gave up: nothing is cleared by it


def joint(
    first: Sequence[Atom], second: Sequence[Atom], events: Facts, sizes: Mapping[str, int], k: int
) -> Findings:
    """Ask what two partitions of the same events say together.

    Parameters
    ----------
    first
        Atoms that are disjoint and cover all that `second` covers: the tree.
    second
        Atoms that are disjoint: a layer. It need not cover everything.
    events
        The truth.
    sizes
        dimension -> number of leaf values.
    k
        The smallest number of events that may be found.

    Returns
    -------
    Slices are what an atom of either shares with one of the other by its leaf values, with or
    without an event. Looked at are: each atom itself; each atom of either, each two of `second`
    that meet a common atom of `first`, and each connected group of `second`, with all atoms of the
    other partition that meet them ("cover") and all that lie inside them ("inner"); and each slice
    of 1..k-1 events by itself.

    Raises
    ------
    InvalidParameter
        Two atoms of one partition overlap, or `first` leaves out something of `second`.

    Notes
    -----
    With the sums of the rows and the columns of a table known, a slice can be another number if
    and only if it lies on a cycle along which 1 can be added and taken away in turn (Gusfield
    1988): added to any slice, taken from those that have an event. Where the slice has an event
    itself, that is so if its ends stay connected without it inside their strongly connected
    component. This is exact, and linear in the number of slices.
    """
    published = of_atoms([*first, *second], events, sizes)
    table = _Table.of(published, len(first))
    second_side, first_side = table.sides()
    looked = [
        _alone(published, k),
        second_side.each(k, after=table.rows),
        second_side.each_two(k, after=table.rows),
        second_side.connected(k, after=table.rows),
        first_side.each(k, after=0),
        table.slices(k),
    ]
    return sum(looked, Findings(0, 0, ()))


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """The atoms of one partition, with those of the other that meet them."""

    meets: sparse.csr_array  # (a, o) 1 where they share a slice
    mine: NDArray[np.int64]  # (a,) events
    others: NDArray[np.int64]  # (o,) events
    bounded: NDArray[np.bool_]  # (a,) all its events lie in atoms of the other partition
    inside: NDArray[np.bool_]  # (o,) all its slices lie in atoms of this partition

    def _over(self) -> NDArray[np.int64]:
        """Count the events that what meets an atom has more than the atom: (a,)."""
        return np.asarray(self.meets @ self.others - self.mine, dtype=np.int64)

    def _under(self) -> NDArray[np.int64]:
        """Count the events that an atom has more than what lies inside it: (a,)."""
        within = self.inside & (self._met() == 1)
        return np.asarray(self.mine - self.meets @ (self.others * within), dtype=np.int64)

    def _met(self) -> NDArray[np.int64]:
        """Count the atoms of this partition that each of the other meets: (o,)."""
        return np.bincount(self.meets.indices, minlength=self.others.size)

    def each(self, k: int, after: int) -> Findings:
        """Look at each atom by itself."""
        over = np.where(self.bounded, self._over(), 0)
        sets = np.arange(self.mine.size)[:, None] + after
        return _small("cover", over, sets, k) + _small("inner", self._under(), sets, k)

    def each_two(self, k: int, after: int) -> Findings:
        """Look at each two atoms that meet a common one: else their differences just add up."""
        met = self._met()
        common = sparse.triu((self.meets * self.others) @ self.meets.T, k=1).tocoo()
        one, other = common.coords
        both = self.others * (self.inside & (met == 2))  # noqa: PLR2004 - inside two together
        saved = sparse.csr_array((self.meets * both) @ self.meets.T)[one, other]
        over, under = self._over(), self._under()
        sets = np.column_stack([one, other]) + after
        return _small("cover", over[one] + over[other] - common.data, sets, k) + _small(
            "inner", under[one] + under[other] - np.asarray(saved).ravel(), sets, k
        )

    def connected(self, k: int, after: int) -> Findings:
        """Look at each connected group of atoms: all that share atoms of the other partition."""
        seen = Findings(0, 0, ())
        for atom, other in _components(self.meets):
            mine = int(self.mine[atom].sum())
            sums = np.array([self.others[other].sum() - mine])
            rest = np.array([mine - self.others[other[self.inside[other]]].sum()])
            members = atom[None, :] + after
            seen += _small("cover", sums, members, k) + _small("inner", rest, members, k)
        return seen


def _small(kind: str, events: NDArray[np.int64], sets: NDArray[np.intp], k: int) -> Findings:
    """Report the differences of 1..k-1 events."""
    found = np.flatnonzero((events > 0) & (events < k))
    leaks = (Leak(kind, tuple(sets[i].tolist()), (), int(events[i])) for i in found)
    return Findings(events.size, 0, tuple(leaks))


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Slices of two partitions: the row and the column of each."""

    rows: int
    columns: int  # the last one is everything outside the second partition
    row: NDArray[np.int64]  # (s,)
    column: NDArray[np.int64]  # (s,)
    truth: NDArray[np.int64]  # (s,)

    @classmethod
    def of(cls, published: Published, rows: int) -> _Table:
        """Take the first answers as rows and the others as columns."""
        row, column = published.parts[:rows].tocsc(), published.parts[rows:].tocsc()
        down, across = np.diff(row.indptr), np.diff(column.indptr)
        if (down != 1).any() or (across > 1).any():
            raise InvalidParameter("release-parts-overlap")
        where = np.full(across.size, column.shape[0], dtype=np.int64)
        where[across == 1] = column.indices
        return cls(rows, column.shape[0] + 1, row.indices.astype(np.int64), where, published.truth)

    def sides(self) -> tuple[_Side, _Side]:
        """Look at the columns with the rows that meet them, and the other way round."""
        outside = self.column == self.columns - 1
        pairs_of = (self.column[~outside], self.row[~outside])
        meets = sparse.csr_array(
            (np.ones(pairs_of[0].size, dtype=np.int64), pairs_of), (self.columns - 1, self.rows)
        )
        row = np.bincount(self.row, self.truth, self.rows).astype(np.int64)
        column = np.bincount(self.column, self.truth, self.columns).astype(np.int64)[:-1]
        lost = np.bincount(self.row[outside], self.truth[outside], self.rows) > 0
        partly = np.bincount(self.row[outside], minlength=self.rows) > 0
        always = np.ones(self.columns - 1, dtype=bool)
        return (
            _Side(meets, column, row, bounded=always, inside=~partly),
            _Side(sparse.csr_array(meets.T), row, column, bounded=~lost, inside=always),
        )

    def slices(self, k: int) -> Findings:
        """Find the slices of 1..k-1 events that the sums of rows and columns leave no choice."""
        small = (self.truth > 0) & (self.truth < k)
        head = self.column + self.rows
        filled = self.truth > 0
        tails = np.concatenate([self.row, head[filled]])  # add; take away where there is something
        heads = np.concatenate([head, self.row[filled]])
        many = self.rows + self.columns
        graph = sparse.coo_array((np.ones(tails.size), (tails, heads)), shape=(many, many))
        label = csgraph.connected_components(graph, connection="strong")[1]
        within = np.flatnonzero(label[self.row] == label[head])
        fixed = np.ones(self.truth.size, dtype=bool)
        fixed[within] = _bridges(self.row[within], head[within], many)
        leaks = (
            Leak(
                "interval",
                (int(self.row[i]), int(head[i]))[: 1 + (self.column[i] < self.columns - 1)],
                (int(i),),
                int(self.truth[i]),
            )
            for i in np.flatnonzero(small & fixed)
        )
        return Findings(0, int(small.sum()), tuple(leaks))


def _bridges(tail: NDArray[np.int64], head: NDArray[np.int64], vertices: int) -> NDArray[np.bool_]:
    """Tell which edges of an undirected graph without double edges hold it together: (e,)."""
    graph = sparse.coo_array((np.ones(tail.size), (tail, head)), shape=(vertices, vertices))
    label = csgraph.connected_components(graph, directed=False)[1]
    roots = np.unique(label, return_index=True)[1]
    # One more vertex joins the components, so that a single tree spans them all.
    tails = np.append(tail, np.full(roots.size, vertices))
    heads = np.append(head, roots)
    joined = sparse.coo_array((np.ones(tails.size), (tails, heads)), shape=(vertices + 1,) * 2)
    order, parent = csgraph.breadth_first_order(joined.tocsr(), vertices, directed=False)
    depth = [0] * (vertices + 1)
    above = parent.tolist()
    for vertex in order[1:].tolist():
        depth[vertex] = depth[above[vertex]] + 1
    in_tree = (parent[tail] == head) | (parent[head] == tail)
    top = list(range(vertices + 1))  # the highest vertex reached through edges on cycles

    def climb(vertex: int) -> int:
        while top[vertex] != vertex:
            top[vertex] = top[top[vertex]]
            vertex = top[vertex]
        return vertex

    for one, other in zip(tail[~in_tree].tolist(), head[~in_tree].tolist(), strict=True):
        low, high = climb(one), climb(other)
        while low != high:
            if depth[low] < depth[high]:
                low, high = high, low
            top[low] = above[low]
            low = climb(low)
    below = np.where(parent[tail] == head, tail, head)
    return np.asarray(in_tree & (np.array(top)[below] == below))
