"""The list of methods as it is shown: by the command line, by the API and in docs/METHODS.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo import methods
from pipelines.texts import text

if TYPE_CHECKING:
    from geo.methods import Method, Parameter


@dataclass(frozen=True, slots=True)
class ShownParameter:
    """A choice in words."""

    name: str
    meaning: str
    kind: str
    unit: str
    default: object


@dataclass(frozen=True, slots=True)
class ShownMethod:
    """A method in words."""

    name: str
    question: str
    answers: str  # the same in English, from the code
    function: str
    parameters: tuple[ShownParameter, ...]
    source: str
    checked: str


def listed() -> list[ShownMethod]:
    """Give every method with its Swedish question and the meaning of its choices."""
    return [_shown(each) for each in methods.METHODS]


def one(name: str) -> ShownMethod:
    """Give one method.

    Raises
    ------
    NotFound
        There is none of that name.
    """
    return _shown(methods.method(name))


def _shown(method: Method) -> ShownMethod:
    return ShownMethod(
        method.name,
        text(f"method-{method.name}"),
        method.question,
        method.place,
        tuple(_shown_parameter(each) for each in method.parameters),
        method.source,
        method.checked,
    )


def _shown_parameter(parameter: Parameter) -> ShownParameter:
    return ShownParameter(
        parameter.name,
        text(f"parameter-{parameter.name}"),
        parameter.kind,
        parameter.unit,
        parameter.default,
    )


def as_markdown() -> str:
    """Write the table of docs/METHODS.md; a test compares the two."""
    lines = [
        "| method | question | choices | source | checked against |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in methods.METHODS:
        choices = "<br>".join(_choice(choice) for choice in each.parameters) or "–"
        lines.append(
            f"| `{each.name}` (`{each.place}`) | {each.question} | {choices} "
            f"| {each.source} | {each.checked} |"
        )
    return "\n".join(lines) + "\n"


def _choice(parameter: Parameter) -> str:
    if parameter.default is None:
        return f"`{parameter.name}`"
    return f"`{parameter.name}` = {parameter.default}"
