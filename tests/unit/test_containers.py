"""A zip container is inflated within limits, and believed only where it tells the truth."""

import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import UnreadableFile
from pipelines import containers

IN_ONE_FOLDER = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
names = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?\.bin", fullmatch=True)
content = st.binary(max_size=3_000).filter(lambda part: not part.startswith(containers.ZIP))
contents = st.dictionaries(names, content, min_size=1, max_size=5)


def packed(path, parts, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def seen(path):
    """Give what is shown of each part."""
    found = {}

    def see(part, block):
        found[part] = found.get(part, b"") + block

    containers.inspect(path, see)
    return found


def code(path):
    with pytest.raises(UnreadableFile) as refused:
        seen(path)
    return refused.value.code


@IN_ONE_FOLDER
@given(contents, METHODS, st.integers(1, 4_000))
def test_every_part_is_shown_whole(tmp_path, parts, method, block):
    path = packed(tmp_path / "a.xlsx", parts, method)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(containers, "BLOCK_BYTES", block)
        shown = seen(path)
    assert {name: shown.get(name, b"") for name in parts} == parts


@IN_ONE_FOLDER
@given(contents, METHODS, st.data())
def test_any_changed_byte_is_refused_or_changes_nothing(tmp_path, parts, method, data):
    path = packed(tmp_path / "a.xlsx", parts, method)
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    try:
        shown = seen(path)
    except UnreadableFile:
        return
    # A name may have changed, which no checksum covers; what stands under it may not.
    assert sorted(filter(None, shown.values())) == sorted(filter(None, parts.values()))


@IN_ONE_FOLDER
@given(st.binary(max_size=300))
def test_any_few_bytes_are_refused(tmp_path, some):
    path = tmp_path / "a.xlsx"
    path.write_bytes(some)
    assert code(path) in {"not-xlsx", "xlsx-locked"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_bytes_have_a_limit(tmp_path, monkeypatch, method):
    parts = {"a.bin": b"x" * 6_000, "b.bin": b"y" * 4_000}
    path = packed(tmp_path / "a.xlsx", parts, method)
    monkeypatch.setattr(containers, "MOST_BYTES", 10_000)
    assert seen(path) == parts
    monkeypatch.setattr(containers, "MOST_BYTES", 9_999)
    assert code(path) == "xlsx-bomb"


def test_the_ratio_has_a_limit_from_some_size_on(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.xlsx", {"a.bin": b"x" * 50_000})
    size = path.stat().st_size
    monkeypatch.setattr(containers, "MOST_RATIO", 50_000 / size)
    monkeypatch.setattr(containers, "RATIO_FROM", 0)
    assert seen(path)
    monkeypatch.setattr(containers, "MOST_RATIO", 49_999 / size)
    assert code(path) == "xlsx-bomb"
    monkeypatch.setattr(containers, "RATIO_FROM", 50_000)
    assert seen(path)


def test_the_parts_have_a_limit(tmp_path):
    parts = {f"{n}.bin": b"" for n in range(containers.MOST_ENTRIES)}
    seen(packed(tmp_path / "a.xlsx", parts))
    assert code(packed(tmp_path / "b.xlsx", {**parts, "x.bin": b""})) == "xlsx-bomb"


def test_words_that_look_like_a_document_type_are_allowed_where_nothing_reads_xml(tmp_path):
    parts = {"a.bin": b"<!DOCTYPE x>\0", "b.txt": b"<!ENTITY"}
    assert seen(packed(tmp_path / "a.xlsx", parts)) == parts
    assert code(packed(tmp_path / "b.xlsx", {"A.XML": b"<!DOCTYPE x>"})) == "xlsx-foreign-part"


def test_the_name_of_a_foreign_part_is_shown_without_what_nobody_sees(tmp_path):
    path = packed(tmp_path / "a.xlsx", {"../" + "a\u202e" * 100: b""})
    with pytest.raises(UnreadableFile) as refused:
        seen(path)
    shown = refused.value.values["part"]
    assert shown.startswith("../a�a�")
    assert len(shown) == 80


@pytest.mark.parametrize("block", [1, 3, 1_000])
def test_a_zip_file_within_is_seen_however_it_is_cut(tmp_path, monkeypatch, block):
    monkeypatch.setattr(containers, "BLOCK_BYTES", block)
    path = packed(tmp_path / "a.xlsx", {"a.bin": containers.ZIP + b"x" * 100})
    assert code(path) == "xlsx-foreign-part"


@pytest.mark.parametrize(("field", "change"), [(10, -1), (10, 1), (12, -60), (16, 30), (20, 5)])
def test_a_directory_that_another_reader_would_find_elsewhere_is_refused(tmp_path, field, change):
    """The number, size and place of the entries, and a comment that could hold a second end."""
    path = packed(tmp_path / "a.xlsx", {"a.bin": b"x", "b.bin": b"y"})
    whole = bytearray(path.read_bytes())
    at = whole.rindex(b"PK\x05\x06") + field
    (told,) = struct.unpack_from("<H", whole, at)
    struct.pack_into("<H", whole, at, told + change)
    path.write_bytes(whole)
    assert code(path) == "not-xlsx"
