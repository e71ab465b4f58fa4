"""Every code somebody may meet has a sentence in each language, and it gets its values."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from scipy import sparse

from app import (
    change_page,
    guide_page,
    map_page,
    place_card,
    place_rows,
    places_page,
    told_card,
    told_places_page,
    ways,
)
from app.access import PURPOSES
from app.collections import COLLECTIONS
from app.release_page import DETAILS
from app.routes import plan, views
from geo import cells, change, effect, errors, holidays, methods, observations
from geo.backtest import Finding
from geo.emerging import Pattern
from geo.map_products import MapChoices, standard_maps
from geo.profile import AREA_KINDS
from geo.verdicts import Reason, Verdict
from pipelines import bundles, group, labels, profiles, retention, spots
from pipelines.questions import SCOPES
from pipelines.release_parts import TERTIALS
from pipelines.roles import ROLES
from pipelines.texts import (
    BROWSER,
    ENGLISH,
    LANGUAGES,
    LOCALE,
    SWEDISH,
    for_browser,
    listed,
    sentence,
    speaking,
    text,
)
from store import journal
from store.releases import PHYSICAL, SENSITIVE, TREE
from store.retention import CLASSES

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("geo", "store", "pipelines", "app")
    for path in (ROOT / folder).rglob("*.py")
)
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in SOURCES}
PLACEHOLDER = re.compile(r"\{(\w+)[^}]*\}")
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9_]+)+")
# Where a code is handed on by a variable; the codes themselves are constants elsewhere.
HANDED_ON = {
    *("pipelines/profiles.py", "pipelines/texts.py", "pipelines/commands/door.py"),
    *("geo/reporting.py", "app/log_page.py", "app/plan_page.py", "app/release_page.py"),
    "pipelines/labels.py",
}
# Modules whose row faults become the reasons of rows in quarantine.
ROW_FAULTS = ("fields", "times", "kinds", "placing", "batches")


TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "web" / "static" / "js").rglob("*.js"))
# In a template or a script: a code, and the family of one that is put together.
SAID = re.compile(r"""\bt\(\s*["']([a-z0-9_-]+)["']\s*[,)]""")
PUT_TOGETHER = re.compile(r"""\bt\(\s*(?:["']([a-z0-9_-]+)-["']\s*~|`([a-z0-9_-]+)-\$\{)""")


def placeholders(words):
    """Name what a sentence is given; doubled braces are braces."""
    return PLACEHOLDER.findall(words.replace("{{", "").replace("}}", ""))


def catalogue(language):
    with (LOCALE / f"{language}.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id}


CATALOGUES = {language: catalogue(language) for language in LANGUAGES}
SENTENCES = CATALOGUES[SWEDISH]


def error_names():
    """Name every class of error, wherever it is defined."""
    found = {"LagesbildError"}
    classes = [n for tree in TREES.values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    while True:
        more = {c.name for c in classes if any(named(b) in found for b in c.bases)} - found
        if not more:
            return found
        found |= more


def named(node):
    """Give the name that an expression ends with."""
    return getattr(node, "id", getattr(node, "attr", ""))


def uses():
    """Yield place, code expression and keywords wherever a sentence is asked for."""
    raised = error_names()
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            is_error = named(node.func) in raised
            is_said = isinstance(node.func, ast.Name) and node.func.id in {"say", "text"}
            if is_error or is_said:
                keywords = {keyword.arg for keyword in node.keywords}
                yield f"{path}:{node.lineno}", node.args[0], keywords


def constants(expression):
    """Give the codes that an expression may be: a constant, or one of two."""
    if isinstance(expression, ast.IfExp):
        return constants(expression.body) | constants(expression.orelse)
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return {expression.value}
    return set()


def strings(module):
    """Give every string constant of a module of pipelines/ that looks like a code."""
    tree = TREES[f"pipelines/{module}.py"]
    found = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    return {value for value in found if isinstance(value, str) and CODE.fullmatch(value)}


def test_there_is_something_to_look_at():
    assert len(list(uses())) > 200
    assert len(error_names()) > 7


def test_every_code_that_is_raised_or_said_has_a_sentence():
    missing = {
        f"{place} {code}"
        for place, expression, _ in uses()
        for code in constants(expression)
        if code not in SENTENCES
    }
    assert missing == set()


def test_every_placeholder_of_a_sentence_is_given_where_it_is_raised():
    lacking = {}
    for place, expression, keywords in uses():
        for code in constants(expression):
            wanted = set(placeholders(SENTENCES.get(code, "")))
            if None not in keywords and not wanted <= keywords:
                lacking[place] = (code, wanted - keywords)
    assert lacking == {}


def test_both_languages_say_the_same_things():
    assert set(CATALOGUES[ENGLISH]) == set(SENTENCES)
    for code, words in SENTENCES.items():
        other = CATALOGUES[ENGLISH][code]
        assert sorted(re.findall(r"\{[^}]*\}", words)) == sorted(re.findall(r"\{[^}]*\}", other)), (
            code
        )
        assert (words[:1] == " ") == (other[:1] == " "), code


def test_english_sentences_have_no_swedish_letters():
    allowed = {"language-sv", "reason-unknown-light"}  # a language's own name, a file's own word
    for code, words in CATALOGUES[ENGLISH].items():
        left = re.sub("Lägesbild|Lantmäteriet", "", words)
        assert code in allowed or not re.search("[åäöÅÄÖ]", left), code


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS], ids=lambda path: path.name)
def test_every_code_of_a_page_or_script_has_a_sentence(path):
    begins = BROWSER if path.suffix == ".js" else ""
    said = set(SAID.findall(path.read_text("utf-8")))
    assert {code for code in said if begins + code not in SENTENCES} == set()


def test_families_that_pages_and_scripts_put_together_are_known():
    for path in (*TEMPLATES, *SCRIPTS):
        begins = BROWSER if path.suffix == ".js" else ""
        for found in PUT_TOGETHER.findall(path.read_text("utf-8")):
            assert begins + "".join(found) in MEMBERS, path.name


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS], ids=lambda path: path.name)
def test_pages_and_scripts_hold_no_swedish_of_their_own(path):
    # The product's name, and what Swedish registers call a bus stop.
    written = re.sub("Lägesbild|Hållplats", "", path.read_text("utf-8"))
    # Comments explain; what stands in <code> is typed on a command line.
    for aside in (r"\{#.*?#\}", r"/\*.*?\*/", r"//[^\n]*", r"<code>.*?</code>"):
        written = re.sub(aside, "", written, flags=re.DOTALL)
    assert re.findall(r"[^\s\"'>]*[åäöÅÄÖ][^\s\"'<]*", written) == []


def test_scripts_are_given_their_sentences_without_the_mark():
    with speaking(ENGLISH):
        given = for_browser()
    own = {code for code in SENTENCES if code.startswith(BROWSER)}
    assert {BROWSER + code for code in given} == own
    assert own


def test_codes_that_are_put_together_belong_to_a_known_family():
    families = set()
    for place, expression, _ in uses():
        if isinstance(expression, ast.JoinedStr):
            families.add(expression.values[0].value.rstrip("-"))
        elif not constants(expression) and not isinstance(expression, ast.Attribute):
            path = place.partition(":")[0]
            assert path in HANDED_ON | {"pipelines/__main__.py", "app/problems.py"}, place
    assert families <= set(MEMBERS) | {"collection", "parameter"}


def steps():
    """Name the steps of which progress is shown."""
    return {
        node.args[0].value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and named(node.func) in {"progress", "_progress"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def keys_of(module, function):
    """Give the string keys of the dictionaries that a function writes."""
    (body,) = (
        n for n in ast.walk(TREES[module]) if isinstance(n, ast.FunctionDef) and n.name == function
    )
    return {
        key.value
        for node in ast.walk(body)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }


def match_types():
    """Name the ways of placing that the gazetteer's own documentation lists."""
    doc = ast.get_docstring(
        next(
            n
            for n in ast.walk(TREES["geo/gazetteer.py"])
            if isinstance(n, ast.ClassDef) and n.name == "Match"
        )
    )
    listed = re.search(r"is one of ([\w, \n]+)\.", doc)[1]
    return {word.strip() for word in listed.split(",")}


def returned(module, *functions):
    """Give the words that functions return, but for the empty one."""
    return {
        node.value
        for body in ast.walk(TREES[module])
        if isinstance(body, ast.FunctionDef) and body.name in functions
        for end in ast.walk(body)
        if isinstance(end, ast.Return) and end.value is not None
        for node in ast.walk(end.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    }


def given(function, position):
    """Give the words that a function is given at a place, wherever it is called."""
    return {
        code
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and named(node.func) == function
        for argument in spread(node.args)[position : position + 1]
        for code in constants(argument)
    }


def spread(arguments):
    """Give each argument its place; what is handed on with a star is a name and a role."""
    return [each for one in arguments for each in [one] * (1 + isinstance(one, ast.Starred))]


PROFILE = profiles.load("eskilstuna").profile
REASONS = set().union(*(strings(module) for module in ROW_FAULTS)) | {
    code for code in strings("ingest") if code.startswith("id-")
}
# What the log tells of: the doors' own words, and those that stand under a name.
LOOKS = {
    *given("note", 2),
    *given("noted", 0),
    *given("_noted", 0),
    *given("_note", 2),
    *given("Task", 1),
    *(each.id for each in COLLECTIONS.values() if each.logged),
    *(journal.WEEDED, journal.ANCHOR_BEGUN),
    *(bundles.EXPORT, bundles.IMPORT, bundles.KEY),
    retention.WHAT,
}
MEMBERS = {
    "reason": REASONS,
    "step": steps() | {"start"},
    "match": match_types(),
    "time": keys_of("pipelines/ingest.py", "_precision"),
    "kind": {"incidents", "observations", "table"},
    "head": {*("number", "when", "kind", "file", "read", "accepted", "duplicates", "quarantined")},
    "theme": {category.theme for category in PROFILE.categories},
    "observation": set(observations.TYPES.values()),
    "light": set(observations.LIGHTS.values()),
    "area-kind": set(AREA_KINDS),
    "area-kinds": set(AREA_KINDS) - {"municipality"},
    "size": {str(resolution) for resolution in cells.RESOLUTIONS},
    "method": {method.name for method in methods.METHODS},
    "verdict": {verdict.value for verdict in Verdict},
    "why": {reason.code for reason in Reason},
    "backtest": {*("basis", "map", "area", "hits", "finding"), "no-ground", "too-few"},
    "product": {*standard_maps(sparse.eye_array(1, format="csr"), MapChoices())},
    "finding": {finding.value for finding in Finding},
    "effect": {verdict.value for verdict in effect.Verdict},
    "emerging": {pattern.value for pattern in Pattern},
    "change": {change.INCREASED, change.DECREASED, change.UNCHANGED, change.UNKNOWN},
    "role": set(ROLES),
    "data-class": set(CLASSES),
    "admin-origin": {"local", "oidc"},
    "look": LOOKS,
    "purpose": set(PURPOSES),
    "outcome": {"given", "refused", "failed"},
    "release-detail": set(DETAILS),
    "release-product": {TREE, SENSITIVE, PHYSICAL},
    "release-tertial": {str(tertial) for tertial in TERTIALS},
    "release-trend": {change.INCREASED, change.DECREASED, change.UNCHANGED, change.UNKNOWN},
    "release-left": given("Left", 2) | returned("pipelines/releases.py", "_unfit", "_physical"),
    "release-share": {
        *("place", "place-theme", "place-theme-block"),
        *("r8", "r9", "tertial"),
    },
    "release-state": returned("pipelines/commands/release.py", "_state"),
    "release-audit": returned("pipelines/commands/release.py", "_audited"),
    "choices-unknown": given("_known", 3) | {"area"},
    "way": {name for _, name, _ in (*ways.TASKS, *ways.MORE)},
    "band": {band.name.lower() for band in group.BANDS},
    "window-name": {window.name for window in PROFILE.windows},
    "category": {category.code for category in PROFILE.categories},
    "language": set(LANGUAGES),
    "guide-cannot": set(guide_page.CANNOT),
    "guide-sees": set(ROLES),
    "guide-sign": {verdict.value for verdict in Verdict},
    "guide-verdict": {verdict.value for verdict in Verdict},
    "access-tested": set(guide_page.TESTED),
    "access-lacks": set(guide_page.SHORTCOMINGS),
    "direction": set(spots.DIRECTIONS),
    "places-list": {*places_page.EXACT_LISTS, *told_places_page.TOLD_LISTS},
    "places-caption": {*places_page.EXACT_LISTS, "told", "physical"},
    "places-column": set(place_rows.COLUMNS),
    "card-about": {*("where", "count", "when", "trend", "kind", "sure")},
    "card-kind": set(place_card.FACILITIES),
    "card-led": set(told_card.LED),
    "card-nearest": set(place_card.FACILITIES.values()),
    "holiday": {one.code for one in holidays.holidays(2026)},
    "change-lead": {change.INCREASED, change.DECREASED, change.UNCHANGED, change.UNKNOWN},
    "change-told": {change.INCREASED, change.DECREASED, change.UNCHANGED, change.UNKNOWN},
    "change-look": set(change_page.LOOKS),
    "change-view": set(change_page.VIEWS),
    "map-layer": set(map_page.EXACT_LAYERS),
    "map-scope": set(SCOPES),
    "plan-is": {*plan.CHANGES.values(), "there", "restored"},
    "plan-part": {*("cells", "cells-near", "clusters", "clusters-near")},
    "plan-period": {"allt", "12man"},
    "view-is": {*views.CHANGES.values(), "restored"},
}
PARAMETERS = {parameter.name for method in methods.METHODS for parameter in method.parameters}


@pytest.mark.parametrize("family", MEMBERS)
def test_every_member_of_a_family_has_a_sentence(family):
    assert len(MEMBERS[family]) > 1
    missing = {name for name in MEMBERS[family] if f"{family}-{name}" not in SENTENCES}
    assert missing == set()


def test_every_parameter_of_a_method_has_a_meaning():
    assert {name for name in PARAMETERS if f"parameter-{name}" not in SENTENCES} == set()


def test_reasons_take_the_value_of_the_cell_and_nothing_else():
    for code, words in SENTENCES.items():
        if code.startswith("reason-"):
            assert set(placeholders(words)) <= {"value"}, code


def test_no_sentence_is_left_without_a_use():
    everything = "\n".join(path.read_text("utf-8") for path in [*SOURCES, *TEMPLATES])
    scripts = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    families = tuple(f"{family}-" for family in (*MEMBERS, "collection", "parameter"))
    unused = {
        code
        for code in SENTENCES
        if not re.search(
            rf"""["']{re.escape(code.removeprefix(BROWSER))}["']""",
            scripts if code.startswith(BROWSER) else everything,
        )
        and not code.startswith(families)
    }
    assert unused == set()


def test_no_family_keeps_a_sentence_for_a_member_it_lost():
    others = {code for _, expression, _ in uses() for code in constants(expression)}
    others |= {code for path in TEMPLATES for code in SAID.findall(path.read_text("utf-8"))}
    others.add("method-not-allowed")  # of HTTP, handed on by app/problems.py
    for family, members in MEMBERS.items():
        closer = tuple(f"{other}-" for other in MEMBERS if other.startswith(f"{family}-"))
        kept = {code for code in SENTENCES if code.startswith(f"{family}-")}
        kept -= {code for code in kept if code.startswith(closer)}
        assert kept - others == {f"{family}-{name}" for name in members} - others


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_plain_names(language):
    for code, words in CATALOGUES[language].items():
        assert words.strip(), code
        assert not re.search(r"\{\w*[.\[!]", words), code
        plain = words.replace("{{", "").replace("}}", "")
        assert plain.count("{") == plain.count("}") == len(placeholders(words)), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_for_errors_are_sentences(language):
    raised = error_names()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and named(node.func) in raised and node.args:
                for code in constants(node.args[0]):
                    words = CATALOGUES[language][code].strip()
                    assert words[0].isupper() or words[0] in "”“{", code
                    # A sentence may end with a command to type, which takes no full stop.
                    assert words[-1] in ".…}" or ": " in words or "://" in words, code


def test_values_are_put_in_as_they_are():
    fault = errors.UnreadableFile("no-file", file="{x} 100 % <b>.csv")
    assert sentence(fault) == "Filen {x} 100 % <b>.csv finns inte."


def test_a_missing_value_is_left_out_rather_than_failing_twice():
    assert text("no-file") == "Filen – finns inte."


def test_a_municipalitys_own_word_stands_in_swedish_and_the_shipped_one_is_said_in_english():
    night = next(window for window in PROFILE.windows if window.name == "helgnatt")
    robbery = next(category for category in PROFILE.categories if category.code == "ran")
    own = replace(night, name="min-natt", label="Vår natt")
    assert (labels.window(night), labels.category(robbery)) == (night.label, robbery.label)
    with speaking(ENGLISH):
        assert labels.window(night) == "Weekend night (Fri–Sat 23–04)"
        assert labels.category(robbery) == "Robbery"
        assert labels.window(own) == "Vår natt"
        assert labels.place("Skolornas närområden") == "Surroundings of the schools"
        assert labels.place("Skiftinge") == "Skiftinge"
    assert labels.place("Skolornas närområden") == "Skolornas närområden"


def test_words_are_put_in_a_row_as_the_language_does():
    assert listed(["a", "b", "c"]) == "a, b och c"
    assert listed(["a"]) == "a"
    with speaking(ENGLISH):
        assert listed(["a", "b"]) == "a and b"


def test_a_language_that_nobody_speaks_here_is_swedish():
    with speaking("tlh"):
        assert text("sign-in") == "Logga in"


def test_a_code_without_a_sentence_is_still_seen():
    assert text("no-such-code") == "no-such-code"
