"""How a page names its script, with everything that the script will ask for, so that nothing waits.

Modules name each other only inside; a browser would fetch them in as many rounds as they are deep.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

FOLDER = Path(__file__).parents[1] / "web" / "static" / "js"
_IMPORTED = re.compile(r"""^(?:import|export)\b[^;]*?from "\./([a-z_]+\.js)";""", re.MULTILINE)


@cache
def tags(name: str, address: str) -> Markup:
    """Give the tags of a page's module and of all modules behind it, which lie below an address."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found.append(one)
            waiting += _IMPORTED.findall((FOLDER / one).read_text(encoding="utf-8"))
    early = [f'<link rel="modulepreload" href="{address}/js/{each}">' for each in sorted(found[1:])]
    own = f'<script type="module" src="{address}/js/{name}"></script>'
    return Markup("\n").join(map(Markup, [*early, own]))
