"""Small maps of cells: who is whose neighbour, and the Memphis reference map."""

import csv

import h3.api.basic_int as h3
import numpy as np
from scipy import sparse


def star(pairs, cells):
    """Give the neighbourhoods that follow from (from, to) pairs, each cell in its own."""
    itself = np.arange(cells)
    pairs = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    row, column = np.append(pairs[:, 0], itself), np.append(pairs[:, 1], itself)
    return sparse.csr_array((np.ones(row.size), (row, column)), shape=(cells, cells))


def circle(cells):
    """Join cells end to end in a circle: each has two neighbours, and itself."""
    return star([(i, (i + step) % cells) for i in range(cells) for step in (-1, 1)], cells)


def path(cells):
    """Join cells in a row."""
    return star([p for i in range(cells - 1) for p in ((i, i + 1), (i + 1, i))], cells)


def everybody(cells):
    """Make all cells neighbours of each other."""
    return star([(i, j) for i in range(cells) for j in range(cells) if i != j], cells)


def hexagons(rings):
    """Give the H3 cells around the square of Eskilstuna and their neighbourhoods of ring 1."""
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(59.37036, 16.50987, 9), rings))
    place = {cell: i for i, cell in enumerate(cells)}
    pairs = [
        (place[cell], place[other])
        for cell in cells
        for other in h3.grid_disk(cell, 1)
        if other != cell and other in place
    ]
    return star(pairs, len(cells))


def shuffled(neighbours, order):
    """Give the same neighbourhoods for cells in another order."""
    return sparse.csr_array(neighbours.tocsr()[order][:, order])


def columns(file):
    """Read a CSV file as one list of texts a column."""
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    return {name: [row[name] for row in rows] for name in rows[0]}


def memphis(shared, name):
    """Give counts and neighbourhoods of the reference map `name`: golden/inputs."""
    counts = columns(shared / f"golden/inputs/{name}_cells.csv")["n"]
    pairs = columns(shared / f"golden/inputs/{name}_adj.csv")
    joined = np.column_stack([np.array(pairs["i"], dtype=int), np.array(pairs["j"], dtype=int)])
    return np.array(counts, dtype=float), star(joined - 1, len(counts))
