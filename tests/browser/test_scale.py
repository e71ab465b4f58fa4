"""The colours and classes of counts are the same in the browser and in pictures and files."""

import numpy as np

from pipelines.scale import classes

ASK = """async (lists) => {
  const { classes } = await import("/static/js/scale.js");
  const told = (one) => [one.from, one.label, one.colour, one.ink];
  return lists.map((counts) => classes(counts).map(told));
}"""


def test_scripts_and_python_divide_counts_alike(visit):
    rng = np.random.default_rng(5)
    sizes = [(scale, size) for scale in (2, 30, 900) for size in (1, 3, 60)]
    lists = [rng.geometric(1 / scale, size).tolist() for scale, size in sizes]
    lists += [[], [0], [0, 3], [7], [4, 5, 6, 7, 8], [1, 5000], [751, 99_999], [2, 3, 1200]]
    told = visit.page.evaluate(ASK, lists)
    for counts, seen in zip(lists, told, strict=True):
        expected = [[one.low, one.label, one.colour, one.ink] for one in classes(counts)]
        assert seen == expected, counts
