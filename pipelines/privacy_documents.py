"""The privacy documents, made from what the system is: a register entry and an assessment.

Prose and words stand in pipelines/documents/; what can be read from the code is read from it, so
that a new table, role or class of data cannot be left out unseen.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from pipelines.roles import PUBLIC, ROLES
from store.parts import PARTS
from store.retention import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from store.retention import Rule

DOCUMENTS = Path(__file__).with_name("documents")
REGISTER, ASSESSMENT = "registerforteckning", "konsekvensbedomning"
Words = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an installation has decided; the defaults are those of a new one."""

    rules: tuple[Rule, ...] = ()
    public_view: bool = False
    oidc: bool = False
    session_hours: float = 10
    idle_minutes: float = 60


def register(facts: Facts) -> str:
    """Write the register entry: article 30, and its counterpart for the police."""
    return _filled(REGISTER, facts)


def assessment(facts: Facts) -> str:
    """Write the template of the data protection impact assessment, with the system's facts."""
    return _filled(ASSESSMENT, facts)


def _filled(name: str, facts: Facts) -> str:
    words = tomllib.loads((DOCUMENTS / "facts.toml").read_text("utf-8"))
    template = Template((DOCUMENTS / f"{name}.md").read_text("utf-8"))
    phrases = words["phrases"]
    return template.substitute(
        roles=_roles(words, facts),
        purposes=_purposes(words),
        tables=_tables(words),
        table_summary=_summary(words),
        retention=_retention(words, facts),
        security=_security(words, facts),
        recipients_police=phrases["recipients_police"],
        recipients_municipality=phrases[f"recipients_{_open_or_closed(facts)}"],
    )


def _open_or_closed(facts: Facts) -> str:
    return "open" if facts.public_view else "closed"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = tuple(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _roles(words: Words, facts: Facts) -> str:
    sees = {role: words["roles"][role] for role in ROLES}
    public, _ = sees[PUBLIC]
    sees[PUBLIC] = [public, words["phrases"][f"public_{_open_or_closed(facts)}"]]
    return _table(("roll", "ser"), sees.values())


def _purposes(words: Words) -> str:
    rows = ((meaning, f"`{slug}`") for slug, meaning in words["purposes"].items())
    return _table(("ändamål", "i loggen"), rows)


def _tables(words: Words) -> str:
    rows = []
    for part in PARTS:
        for table in part.metadata.sorted_tables:
            holds, personal = words["tables"][table.name]
            columns = ", ".join(column.name for column in table.columns)
            rows.append((f"`{table.name}`", words["parts"][part.name], holds, personal, columns))
    return _table(("tabell", "del", "innehåll", "personuppgift", "kolumner"), rows)


def _summary(words: Words) -> str:
    names = [table.name for part in PARTS for table in part.metadata.sorted_tables]
    kinds = Counter(words["tables"][name][1] for name in names)
    summary: str = words["phrases"]["table_summary"].format(all=len(names), **kinds)
    return summary


def _retention(words: Words, facts: Facts) -> str:
    rules = {rule.data_class: rule for rule in facts.rules}
    rows = []
    for name in CLASSES:
        label, since = words["classes"][name]
        rows.append((label, since, *_kept(words["phrases"], rules.get(name))))
    return _table(("uppgifter", "räknas från", "sparas", "beslut eller lag"), rows)


def _kept(phrases: Words, rule: Rule | None) -> tuple[str, str]:
    if rule is None:
        return phrases["no_rule"], "–"
    months = phrases["one_month" if rule.months == 1 else "months"].format(months=rule.months)
    return months, rule.legal_basis.replace("|", "\\|")


def _security(words: Words, facts: Facts) -> str:
    phrases = words["phrases"]
    sign_in = phrases["sign_in_oidc" if facts.oidc else "sign_in_local"]
    ends = phrases["session_ends"].format(hours=facts.session_hours, idle=facts.idle_minutes)
    return "\n".join(f"- {measure}" for measure in (sign_in, ends, *words["security"]["always"]))
