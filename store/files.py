"""Files that appear under their name only when they are whole, and never replace another."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from geo.errors import Conflict, InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a draft beside `target` to write; it takes the target's name when the block ends well.

    Raises
    ------
    Conflict
        A file of that name exists, or came to exist meanwhile.
    InvalidParameter
        The folder cannot be made or written.
    """
    if target.exists():
        raise Conflict("file-exists", file=target.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".lagesbild-") as folder:
            draft = Path(folder) / f"draft{target.suffix}"
            yield draft
            with draft.open("r+b") as file:
                os.fsync(file.fileno())
            _name(draft, target)
    except OSError as fault:
        raise InvalidParameter("file-not-writable", file=target.name) from fault


def _name(draft: Path, target: Path) -> None:
    """Give a finished file its name, unless another file took that name meanwhile."""
    try:
        try:
            os.link(draft, target)
        except FileExistsError:
            raise
        except OSError:  # USB sticks and network shares know no hard links
            target.touch(exist_ok=False)
            draft.replace(target)
    except FileExistsError as fault:
        raise Conflict("file-exists", file=target.name) from fault
