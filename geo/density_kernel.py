"""DBSCAN on sorted distinct weighted places: cells in which all are neighbours (numba).

Importing this module fails where numba is absent or cannot write its cache; `geo.clusters` then
asks scikit-learn.

The plane is cut into columns, and each column into cells, both begun at a place and at most
``_SIDE * eps`` wide: no two places of a cell are further apart than eps, whatever the rounding.
Nothing is numbered by division, so neither a huge range nor a tiny eps can overflow. Places of the
cells around a cell are compared only where the cells' bounding boxes leave it open, and where a
cell holds many places they are first put into a tree of boxes, so that two dense neighbours just
over eps apart do not cost the product of their sizes (Gunawan 2013; Gan & Tao 2015,
doi:10.1145/2723372.2737792).

Distances are compared as scikit-learn compares them: dx*dx + dy*dy <= eps*eps in double precision.
Within a few units in the last place of eps its own answer also depends on where its tree happens to
be cut; such a pair makes the result unsure, and `labels` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # What the steps share: (p,) places; (m,) cells by column, then by y; (columns + 1,) the first
    # cell of each column; (p // 4 + 2,) nodes; the one rule. A plain tuple of arrays: numba's cache
    # of an older version could not be read if it named a class that is gone.
    _Work = tuple[
        NDArray[np.void], NDArray[np.void], NDArray[np.int64], NDArray[np.void], NDArray[np.void]
    ]

_SIDE = 0.7064  # a little less than 1 / sqrt(2)
_NEARLY = 2.0**-49  # eight units in the last place
_COLUMNS_AROUND = 2  # further columns are out of reach
_AROUND = 40  # room for the cells near one: at most five in each of five columns
_LEAF = 16  # places; fewer are compared one by one
_TREE_FROM = 4 * _LEAF  # places in a cell that are worth a tree
_DEEPEST = 128  # pairs of nodes on hold: at most one a level of either tree
_NONE = -1
_FAR = np.iinfo(np.int64).max

_BOX = [("west", "f8"), ("south", "f8"), ("east", "f8"), ("north", "f8")]
# A place, in the order of the cells: metres, events (at most `needed`), and which one it is.
_PLACE = np.dtype([("x", "f8"), ("y", "f8"), ("events", "i8"), ("number", "i8")])
# A cell has the places from `start` to `end`, of which those before `stop` are looked at: first
# all, later its core places. `box` and `events` (at most `needed`) are of these. `low` and `high`
# are where it begins and ends in y.
_CELL = np.dtype(
    [
        *_BOX,
        *(("low", "f8"), ("high", "f8"), ("events", "i8"), ("column", "i8")),
        *(("start", "i8"), ("stop", "i8"), ("end", "i8"), ("has_tree", "i8")),
    ]
)
# A node of a cell's tree of boxes. Parents stand before their children; `beyond` is the next node
# that is not inside this one. The root of a cell's tree is node (start + 3) // 4.
_NODE = np.dtype([*_BOX, ("events", "i8"), ("start", "i8"), ("stop", "i8"), ("beyond", "i8")])
# What is near, in metres and squares of metres; how scikit-learn takes squares and roots; how many
# distances were computed, and whether one of them leaves it open what scikit-learn would say.
_RULE = np.dtype(
    [
        *(("eps", "f8"), ("within", "f8"), ("square", "f8"), ("beyond", "f8")),
        *(("two", "f8"), ("half", "f8"), ("needed", "i8"), ("computed", "i8"), ("unsure", "i8")),
    ]
)


def labels(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    eps_m: float,
    needed: int,
) -> tuple[NDArray[np.int64], int, bool]:
    """Label p distinct places sorted by (x, y).

    Coordinates are finite, events at least 1, `needed` is at least 1 and at most 2**61, and the
    square of `eps_m` is neither 0 nor infinite.

    Returns
    -------
    (p,) labels; the number of distances computed; and whether the labels are certain to be those
    of scikit-learn.
    """
    rule = np.zeros(1, _RULE)
    square = eps_m * eps_m
    rule["eps"], rule["square"], rule["needed"] = eps_m, square, needed
    rule["within"], rule["beyond"] = square * (1 - _NEARLY), square * (1 + _NEARLY)
    rule["two"], rule["half"] = 2.0, 0.5  # values the compiler does not see: it calls `pow`
    cells = np.zeros(x_m.size, _CELL)
    first = np.empty(x_m.size + 1, np.int64)
    order, edges = _columns(x_m, np.argsort(y_m), eps_m * _SIDE)
    places = np.empty(x_m.size, _PLACE)
    _take(x_m, y_m, events, order, needed, places)
    m = _cut(places, edges, cells, first, eps_m * _SIDE)
    nodes = np.empty(x_m.size // 4 + 2, _NODE)
    work = (places, cells[:m], first[: edges.size], nodes, rule)
    return _labelled(work), int(rule["computed"][0]), not rule["unsure"][0]


@njit(cache=True, nogil=True)
def _labelled(work: _Work) -> NDArray[np.int64]:
    """Take the steps of DBSCAN one after the other."""
    places, cells, _, _, _ = work
    core = np.zeros(places.size, np.bool_)
    for k in range(cells.size):
        _measure(work, cells[k])
    _find_core_places(work, core)
    for k in range(cells.size):
        _put_cores_first(work, k, core)
    number = _clusters(work)
    found = np.full(core.size, _NONE, np.int64)
    for k in range(cells.size):
        for i in range(cells[k]["start"], cells[k]["stop"]):
            found[places[i]["number"]] = number[k]
    _renumber(found)
    for k in range(cells.size):
        cell = cells[k]
        if cell["stop"] > cell["start"]:
            number[k] = found[places[cell["start"]]["number"]]
    _take_borders(work, number, found)
    return found


@njit(cache=True, nogil=True)
def _columns(
    x_m: NDArray[np.float64], by_y: NDArray[np.intp], side: float
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Cut places sorted by x into columns: their order by column, then y, and the columns' ends."""
    column = np.empty(x_m.size, np.int64)
    edges = np.empty(x_m.size + 1, np.int64)
    n = 0
    for i in range(x_m.size):
        if i == 0 or x_m[i] - x_m[edges[n - 1]] > side:
            edges[n] = i
            n += 1
        column[i] = n - 1
    edges[n] = x_m.size
    free = edges[:n].copy()
    order = np.empty(x_m.size, np.intp)
    for i in by_y:
        order[free[column[i]]] = i
        free[column[i]] += 1
    return order, edges[: n + 1].copy()


@njit(cache=True, nogil=True)
def _take(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    events: NDArray[np.int64],
    order: NDArray[np.intp],
    needed: int,
    places: NDArray[np.void],
) -> None:
    """Write the places down in that order."""
    for i in range(order.size):
        place = places[i]
        place["number"] = order[i]
        place["x"], place["y"] = x_m[order[i]], y_m[order[i]]
        place["events"] = min(events[order[i]], needed)


@njit(cache=True, nogil=True)
def _cut(
    places: NDArray[np.void],
    edges: NDArray[np.int64],
    cells: NDArray[np.void],
    first: NDArray[np.int64],
    side: float,
) -> int:
    """Cut columns into cells by y, and write down each column's first: how many cells there are."""
    m = 0
    for c in range(edges.size - 1):
        first[c] = m
        for i in range(edges[c], edges[c + 1]):
            y = places[i]["y"]
            if i == edges[c] or y - cells[m - 1]["low"] > side:
                cells[m]["low"] = y
                cells[m]["column"] = c
                cells[m]["start"] = i
                m += 1
            cells[m - 1]["high"] = y
            cells[m - 1]["stop"] = cells[m - 1]["end"] = i + 1
    first[edges.size - 1] = m
    return m


@njit(cache=True, nogil=True)
def _measure(work: _Work, part: np.record) -> None:
    """Find the bounding box and the events of the places from `start` to `stop`."""
    places, _, _, _, rules = work
    part["west"] = part["south"] = np.inf
    part["east"] = part["north"] = -np.inf
    part["events"] = 0
    for i in range(part["start"], part["stop"]):
        place = places[i]
        part["west"], part["east"] = min(part["west"], place["x"]), max(part["east"], place["x"])
        part["south"], part["north"] = (
            min(part["south"], place["y"]),
            max(part["north"], place["y"]),
        )
        part["events"] = min(part["events"] + place["events"], rules[0]["needed"])


@njit(cache=True, nogil=True)
def _least_square(box: np.record, x: float, y: float) -> float:
    """Give a square that no distance from a point to a box can fall below, rounding included."""
    dx: float = max(0.0, box["west"] - x, x - box["east"])
    dy: float = max(0.0, box["south"] - y, y - box["north"])
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def _most_square(box: np.record, x: float, y: float) -> float:
    """Give a square that no distance from a point to a box can exceed, rounding included."""
    dx: float = max(box["east"] - x, x - box["west"])
    dy: float = max(box["north"] - y, y - box["south"])
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def _too_far(work: _Work, box: np.record, other: np.record) -> bool:
    """Tell whether no place of one box can be near one of another."""
    _, _, _, _, rules = work
    dx: float = max(0.0, box["west"] - other["east"], other["west"] - box["east"])
    dy: float = max(0.0, box["south"] - other["north"], other["south"] - box["north"])
    beyond: float = rules[0]["beyond"]
    return dx * dx + dy * dy > beyond


@njit(cache=True, nogil=True)
def _around(work: _Work, k: int, first_column: int, found: NDArray[np.int64]) -> int:
    """List the cells that may have a place near one of cell k, itself left out: how many.

    `first_column` is where to begin, counted from its own. Cells must be asked about in their
    order: behind the list, `found` keeps where the last search began in each column around.
    """
    _, cells, first, _, rules = work
    own = cells[k]
    reach = rules[0]["eps"] * (1 + _NEARLY)
    n = 0
    if found[_AROUND] != own["column"]:
        found[_AROUND] = own["column"]
        found[_AROUND + 1 :] = 0
    low = max(0, own["column"] + first_column)
    for c in range(low, min(first.size - 1, own["column"] + _COLUMNS_AROUND + 1)):
        begin = _AROUND + 1 + c - own["column"] + _COLUMNS_AROUND
        other = max(found[begin], first[c])
        while other < first[c + 1] and own["low"] - cells[other]["high"] > reach:
            other += 1
        found[begin] = other
        while other < first[c + 1] and cells[other]["low"] - own["high"] <= reach:
            if other != k:
                found[n] = other
                n += 1
            other += 1
    return n


@njit(cache=True, nogil=True)
def _search() -> NDArray[np.int64]:
    """Make room for a list of cells around one, and for where to begin in each column."""
    return np.full(_AROUND + 2 + 2 * _COLUMNS_AROUND, _NONE, np.int64)


@njit(cache=True, nogil=True)
def _near(work: _Work, dx: float, dy: float) -> bool:
    """Tell whether two places are neighbours, and note where scikit-learn might not agree."""
    _, _, _, _, rules = work
    rule = rules[0]
    square = dx * dx + dy * dy
    if square <= rule["within"]:
        return True
    if square > rule["beyond"]:
        return False
    within: bool = square <= rule["square"]
    # scikit-learn takes or leaves whole leaves of its tree by this distance, and only within a
    # leaf on the border single places by the other.
    distance = (abs(dx) ** rule["two"] + abs(dy) ** rule["two"]) ** rule["half"]
    if within != (distance <= rule["eps"]):
        rule["unsure"] = 1
    return within


@njit(cache=True, nogil=True)
def _scan(work: _Work, part: np.record, x: float, y: float, needed: int) -> int:
    """Add up the events near a point from `start` to `stop` one by one, until they are enough."""
    places, _, _, _, rules = work
    events = 0
    i: int = part["start"]
    while i < part["stop"] and events < needed:
        place = places[i]
        if _near(work, place["x"] - x, place["y"] - y):
            events += place["events"]
        i += 1
    rules[0]["computed"] += i - part["start"]
    return events


@njit(cache=True, nogil=True)
def _events_near(work: _Work, k: int, x: float, y: float, needed: int) -> int:
    """Add up the events of cell k near a point, until they are enough."""
    _, cells, _, _, rules = work
    cell = cells[k]
    if _least_square(cell, x, y) > rules[0]["beyond"]:
        return 0
    if _most_square(cell, x, y) <= rules[0]["within"]:
        all_of_them: int = cell["events"]
        return all_of_them
    if cell["stop"] - cell["start"] <= _TREE_FROM:
        return _scan(work, cell, x, y, needed)
    if not cell["has_tree"]:
        _grow(work, cell)
    return _descend(work, (cell["start"] + 3) // 4, x, y, needed)


@njit(cache=True, nogil=True)
def _descend(work: _Work, at: int, x: float, y: float, needed: int) -> int:
    """Add up the events near a point inside a node of a tree, until they are enough."""
    _, _, _, nodes, rules = work
    rule = rules[0]
    events = 0
    end = nodes[at]["beyond"]
    while at < end and events < needed:
        node = nodes[at]
        rule["computed"] += 1
        inner = node["beyond"] > at + 1
        if _least_square(node, x, y) > rule["beyond"]:
            at = node["beyond"]
        elif _most_square(node, x, y) <= rule["within"]:
            events += node["events"]
            at = node["beyond"]
        elif inner:
            at += 1
        else:
            events += _scan(work, node, x, y, needed - events)
            at += 1
    return events


@njit(cache=True, nogil=True)
def _grow(work: _Work, cell: np.record) -> None:
    """Build the tree of a cell: halves along the longer side, until at most `_LEAF` are left.

    All leaves lie equally deep, so that a node's number of descendants follows from its depth.
    """
    places, _, _, nodes, _ = work
    depth = 0
    while (cell["stop"] - cell["start"] - 1) >> depth >= _LEAF:
        depth += 1
    root = (cell["start"] + 3) // 4
    nodes[root]["start"], nodes[root]["stop"] = cell["start"], cell["stop"]
    nodes[root]["beyond"] = root + (2 << depth) - 1
    for at in range(root, nodes[root]["beyond"]):
        node = nodes[at]
        _measure(work, node)
        below = (node["beyond"] - at) // 2  # nodes under each child, the child included
        if below:
            middle = (node["start"] + node["stop"]) // 2
            wide = node["east"] - node["west"] > node["north"] - node["south"]
            along = places["x"] if wide else places["y"]
            _halve(places, along, (node["start"], middle, node["stop"]))
            left, right = nodes[at + 1], nodes[at + 1 + below]
            left["start"], left["stop"], left["beyond"] = node["start"], middle, at + 1 + below
            right["start"], right["stop"], right["beyond"] = middle, node["stop"], node["beyond"]
    cell["has_tree"] = 1


@njit(cache=True, nogil=True)
def _halve(
    places: NDArray[np.void], along: NDArray[np.float64], span: tuple[int, int, int]
) -> None:
    """Reorder places so that none before the middle lies behind one after it (Hoare 1961)."""
    low, middle, high = span[0], span[1], span[2] - 1
    while low < high:
        one, two, three = along[low], along[(low + high) // 2], along[high]
        pivot = max(min(one, two), min(max(one, two), three))  # the median of the three
        i, j = low, high
        while i <= j:
            while along[i] < pivot:
                i += 1
            while along[j] > pivot:
                j -= 1
            if i <= j:
                _swap(places, i, j)
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            break


@njit(cache=True, nogil=True)
def _swap(places: NDArray[np.void], i: int, j: int) -> None:
    """Exchange two places."""
    one, two = places[i], places[j]
    one["x"], two["x"] = two["x"], one["x"]
    one["y"], two["y"] = two["y"], one["y"]
    one["events"], two["events"] = two["events"], one["events"]
    one["number"], two["number"] = two["number"], one["number"]


@njit(cache=True, nogil=True)
def _find_core_places(work: _Work, core: NDArray[np.bool_]) -> None:
    """Mark each place within eps of enough events."""
    places, cells, _, _, rules = work
    found = _search()
    needed = rules[0]["needed"]
    for k in range(cells.size):
        cell = cells[k]
        sparse = cell["events"] < needed
        n = _around(work, k, -_COLUMNS_AROUND, found) if sparse else 0
        for i in range(cell["start"], cell["stop"]):
            place = places[i]
            events = cell["events"]
            for other in found[:n]:
                if events >= needed:
                    break
                events += _events_near(work, other, place["x"], place["y"], needed - events)
            core[place["number"]] = events >= needed


@njit(cache=True, nogil=True)
def _put_cores_first(work: _Work, k: int, core: NDArray[np.bool_]) -> None:
    """Let a cell's `stop`, box and events stand for its core places, put first in it."""
    places, cells, _, _, _ = work
    cell = cells[k]
    cell["stop"] = cell["start"]
    cell["has_tree"] = 0
    for i in range(cell["start"], cell["end"]):
        if core[places[i]["number"]]:
            _swap(places, i, cell["stop"])
            cell["stop"] += 1
    _measure(work, cell)


@njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int64], k: int) -> int:
    """Find what cell k is joined to, and shorten the way there."""
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@njit(cache=True, nogil=True)
def _clusters(work: _Work) -> NDArray[np.int64]:
    """Join cells with neighbouring core places: (m,) one number for all that are joined."""
    _, cells, _, _, _ = work
    parent = np.arange(cells.size)
    found = _search()
    for k in range(cells.size):
        n = _around(work, k, 0, found) if cells[k]["events"] else 0
        for other in found[:n]:
            if other > k and cells[other]["events"]:
                one, two = _root(parent, k), _root(parent, other)
                if one != two and _touching(work, k, other):
                    parent[two] = one
    for k in range(parent.size):
        parent[k] = _root(parent, k)
    return parent


@njit(cache=True, nogil=True)
def _touching(work: _Work, k: int, other: int) -> bool:
    """Tell whether a core place of one cell is near one of another."""
    places, cells, _, _, _ = work
    if _too_far(work, cells[k], cells[other]):
        return False
    if cells[k]["stop"] - cells[k]["start"] > cells[other]["stop"] - cells[other]["start"]:
        k, other = other, k
    few, many = cells[k], cells[other]
    first = places[_nearest(work, few, many)]
    if _scan(work, many, first["x"], first["y"], 1):
        return True
    if few["stop"] - few["start"] > _TREE_FROM:
        return _trees_touching(work, few, many)
    for i in range(few["start"], few["stop"]):
        if _events_near(work, other, places[i]["x"], places[i]["y"], 1):
            return True
    return False


@njit(cache=True, nogil=True)
def _nearest(work: _Work, cell: np.record, box: np.record) -> int:
    """Find the place of a cell that is nearest to a box."""
    places, _, _, _, _ = work
    nearest = cell["start"]
    least = np.inf
    for i in range(cell["start"], cell["stop"]):
        square = _least_square(box, places[i]["x"], places[i]["y"])
        if square < least:
            nearest, least = i, square
    at: int = nearest
    return at


@njit(cache=True, nogil=True)
def _trees_touching(work: _Work, cell: np.record, other: np.record) -> bool:
    """Tell the same of two large cells: compare node with node, the wider one split first."""
    _, _, _, nodes, rules = work
    pairs = np.empty((_DEEPEST, 2), np.int64)
    for side, each in enumerate((cell, other)):
        if not each["has_tree"]:
            _grow(work, each)
        pairs[0, side] = (each["start"] + 3) // 4
    n = 1
    while n:
        n -= 1
        wide, slim = pairs[n]
        rules[0]["computed"] += 1
        if _width(nodes[slim]) > _width(nodes[wide]):
            wide, slim = slim, wide
        below = (nodes[wide]["beyond"] - wide) // 2
        if _too_far(work, nodes[wide], nodes[slim]):
            continue
        if below:
            pairs[n] = wide + 1, slim
            pairs[n + 1] = wide + 1 + below, slim
            n += 2
        elif _leaf_touching(work, nodes[wide], slim):
            return True
    return False


@njit(cache=True, nogil=True)
def _leaf_touching(work: _Work, leaf: np.record, at: int) -> bool:
    """Tell whether a place of a leaf is near one inside another node."""
    places, _, _, _, _ = work
    for i in range(leaf["start"], leaf["stop"]):
        if _descend(work, at, places[i]["x"], places[i]["y"], 1):
            return True
    return False


@njit(cache=True, nogil=True)
def _width(box: np.record) -> float:
    """Give the longer side of a box."""
    width: float = max(box["east"] - box["west"], box["north"] - box["south"])
    return width


@njit(cache=True, nogil=True)
def _renumber(found: NDArray[np.int64]) -> None:
    """Change the numbers of clusters to 0, 1, ... by their first core place."""
    number = np.full(found.size, _NONE, np.int64)
    n = 0
    for i in range(found.size):
        if found[i] != _NONE:
            if number[found[i]] == _NONE:
                number[found[i]] = n
                n += 1
            found[i] = number[found[i]]


@njit(cache=True, nogil=True)
def _take_borders(work: _Work, number: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Let each place that is not core join the lowest number (of each cell) near it."""
    places, cells, _, _, _ = work
    near = _search()
    for k in range(cells.size):
        cell = cells[k]
        n = _around(work, k, -_COLUMNS_AROUND, near) if cell["stop"] < cell["end"] else 0
        for i in range(cell["stop"], cell["end"]):
            place = places[i]
            # A core place of its own cell is certainly near.
            lowest = number[k] if cell["events"] else _FAR
            for other in near[:n]:
                if (
                    cells[other]["events"]
                    and number[other] < lowest
                    and _events_near(work, other, place["x"], place["y"], 1)
                ):
                    lowest = number[other]
            if lowest != _FAR:
                found[place["number"]] = lowest
