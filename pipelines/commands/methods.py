"""``lagesbild methods``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from pipelines import method_list
from pipelines.commands.door import console, print_json
from pipelines.texts import text


def methods_command(
    name: Annotated[str, typer.Argument(help="En metod; annars visas alla.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Skriv svaret som JSON.")] = False,
) -> None:
    """Visa vilka metoder som finns, vad de svarar på och vad som går att välja."""
    found = [method_list.one(name)] if name else method_list.listed()
    if as_json:
        print_json([asdict(method) for method in found])
        return
    table = Table(text("methods-name"), text("methods-question"), box=None, padding=(0, 2, 0, 0))
    for method in found:
        table.add_row(method.name, method.question)
    console.print(table)
    if name:
        _details(found[0])


def _details(method: method_list.ShownMethod) -> None:
    """Show a method's choices and where its formula stands."""
    for parameter in method.parameters:
        default = "" if parameter.default is None else f" = {parameter.default}"
        line = f"  {parameter.name}{default}  {parameter.meaning}"
        console.print(line, markup=False)
    console.print(text("methods-source", source=method.source), markup=False)
    console.print(text("methods-checked", checked=method.checked), markup=False)
