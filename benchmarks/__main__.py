"""`make bench`: the analysis, the server and the browser, each measured by its own module.

    python -m benchmarks [analysis | serving | browser] [its own arguments]

Without a part all three are measured, and arguments go to the analysis.
"""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = {
    "analysis": "benchmarks.run",
    "serving": "benchmarks.serving",
    "browser": "benchmarks.browser",
}


def main() -> None:
    """Run one part, or all."""
    chosen = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] in PARTS else None
    rest = sys.argv[1 if chosen is None else 2 :]
    for part, module in PARTS.items():
        if chosen in (None, part):
            sys.argv = [f"benchmarks {part}", *(rest if part in (chosen, "analysis") else [])]
            print(f"\n## {part}\n", flush=True)
            import_module(module).main()


if __name__ == "__main__":
    main()
