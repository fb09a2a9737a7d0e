"""The JSON reader: every record once, in order, and every fault named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError
from segue.sources.inputs import PlainFile
from segue.sources.json_records import read_records
from segue.sources.json_rows import JsonQuery, read_json_rows
from tests.support import BytesFile

QUERY = JsonQuery(
    what="a list of letters",
    fields={"a": "VARCHAR", "b": {"c": "VARCHAR", "d": ["VARCHAR"]}},
    expected=("a", "b"),
    sql="SELECT stray, a, b.c AS c, b.d AS d, a || $suffix AS e, stray AS odd FROM records",
)


def rows(content: bytes | str) -> list[dict[str, Any]]:
    data = content.encode() if isinstance(content, str) else content
    tables = list(read_json_rows(BytesFile("letters.json", data), QUERY, {"suffix": "!"}))
    return [row for table in tables for row in table.to_pylist()]


def column(content: bytes | str, name: str = "a") -> list[Any]:
    return [row[name] for row in rows(content)]


def nested(content: str) -> list[Any]:
    file = BytesFile("letters.json", content.encode())
    with file.on_disk() as path:
        return [record["a"] for record in read_records(file, path, "page.rows")]


def test_reads_a_list_and_lines_alike() -> None:
    expected = [{"a": "x", "c": "y", "d": ["1", "z"], "e": "x!", "odd": None}]
    record = '{"a": "x", "other": [{"a": 1}], "b": {"c": "y", "d": [1, "z"]}}'
    assert rows(f"[{record}]") == expected
    assert rows(f"{record}\n") == expected
    assert rows(f"{record}\n\n {record}\r\n{record}") == expected * 3
    assert rows(f" [ {record} , {record} ] \n") == expected * 2


def test_every_scalar_becomes_text() -> None:
    assert column('[{"a": 1999}, {"a": true}, {"a": 1.5}, {"a": null}, {"a": "\\/ \\u00e9"}]') == [
        "1999",
        "true",
        "1.5",
        None,
        "/ é",
    ]


def test_an_empty_list_has_no_rows() -> None:
    assert rows("[]") == []
    assert rows(" [ ] ") == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_read(encoding: str) -> None:
    content = '[{"a": "Sigur Rós 😀"}, {"a": "二"}]'
    assert column(content.encode(encoding)) == ["Sigur Rós 😀", "二"]


def test_what_is_no_record_is_told() -> None:
    assert column('[{"a": 1}, null, 5, "x", [1], true, {}, {"a": 2}]', "odd") == [
        None,
        "null",
        "a number or a text",
        "a number or a text",
        "a list",
        "true or false",
        None,
        None,
    ]


def test_half_characters_and_control_characters_are_let_in() -> None:
    assert column(
        '[{"a": "x"}, {"a": "half \\ud83d"}, {"a": "tab\there"}, {"a": "nul\\u0000"}]'
    ) == [
        "x",
        "half �",
        "tab\there",
        "nul\0",
    ]


def test_keeps_order_over_many_blocks() -> None:
    records = [{"a": number, "x": "y" * (number % 300)} for number in range(120_000)]
    assert column(json.dumps(records)) == [str(number) for number in range(120_000)]
    lines = "\n".join(json.dumps(record) for record in records)
    assert column(lines) == [str(number) for number in range(120_000)]


def test_a_fault_late_in_the_file_keeps_what_came_before_in_place() -> None:
    records: list[Any] = [{"a": number, "x": "y" * 300} for number in range(40_000)]
    records[35_000] = 5
    told = rows(json.dumps(records))
    assert [row["a"] for row in told[35_000 - 1 : 35_002]] == ["34999", None, "35001"]
    assert [number for number, row in enumerate(told) if row["odd"]] == [35_000]


def test_a_tricky_text_is_never_cut() -> None:
    text = '},{"a":1},\n{"a": 2}'
    records = [{"a": text, "b": {"c": text}, "z": [{"a": text}, {"a": text}]}] * 20_000
    for content in (json.dumps(records), "\n".join(json.dumps(record) for record in records)):
        assert column(content, "c") == [text] * 20_000


def test_records_that_lie_deeper() -> None:
    assert nested('{"v": [1], "page": {"n": 1, "rows": [{"a": 1}, {"a": 2}]}, "z": {}}') == [
        "1",
        "2",
    ]
    pages = [
        '{"page": {"rows": [{"a": 1}]}}',
        '{"page": {"rows": []}}',
        '{"page": {"rows": [{"a": 3}]}}',
    ]
    assert nested(f"[{', '.join(pages)}]") == ["1", "3"]
    assert nested("\n".join(pages)) == ["1", "3"]


FAULTS: dict[str, tuple[bytes | str, str]] = {
    "white space": ("  \n", "nothing but white space"),
    "web page": ("<!doctype html><html>", "is a web page"),
    "xml": ("<?xml version='1.0'?><a/>", "is XML"),
    "words": ("hello", "is not JSON"),
    "zero bytes": ("\0" * 50, "zero bytes"),
    "a number": ("42", "is not JSON"),
    "cut in a text": ('[{"a": "x"}, {"a": "y', "not complete.*record 2.*byte 21"),
    "cut after a key": ('[{"a": "x"}, {"a":', "not complete.*record 2"),
    "cut in a word": ('[{"a": "x"}, {"a": tru', "not complete.*record 2"),
    "cut after a record": ('[{"a": "x"}', "not complete.*after record 1"),
    "cut after a comma": ('[{"a": "x"},', "not complete.*record 2"),
    "cut at once": ("[", "not complete"),
    "bad word": ('[{"a": "x"}, {"a": tru}]', "row 2.*not valid JSON at byte 19"),
    "no comma": ('[{"a": "x"} {"a": "y"}]', "row 1.*byte 12: no comma"),
    "two commas": ('[{"a": "x"},, {"a": "y"}]', "row 2.*byte 12"),
    "single quotes": ("[{'a': 'x'}]", "row 1.*not valid JSON at byte 2"),
    "something after": ('[{"a": "x"}] [{"a": "y"}]', "something after the end"),
    "latin-1": ('[{"a": "x"}, {"a": "é"}]'.encode("latin-1"), "not valid UTF-8: byte 20 .0xe9"),
    "half utf-16": ('[{"a": "x"}]'.encode("utf-16") + b"\0", "not valid UTF-16"),
    "scalars": ("[1, 2, 3]", "a list of a number or a text, not of records"),
    "other records": ('[{"x": 1, "y": 2}]', "fields “x”, “y”"),
    "an object": ('{"x": 1, "y": [2]}', "fields “x”, “y”"),
    "too deep": ('[{"a": ' + "[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_file_says_where_and_what(fault: str) -> None:
    content, message = FAULTS[fault]
    with pytest.raises(SourceError, match=f"(?s)letters.json.*{message}") as told:
        rows(content)
    assert told.value.cure


def test_missing_list_is_named() -> None:
    for content in ('{"page": {"x": []}}', '{"page": 3}', '{"x": 1}', '[{"page": []}]', "[1]"):
        with pytest.raises(SourceError, match="has no list"):
            nested(content)


def test_the_byte_of_a_fault_far_into_a_file_is_right() -> None:
    good = '{"a": "é"},' * 200_000
    content = f"[{good}{{'a': 1}}]".encode()
    with pytest.raises(SourceError, match=f"byte {content.index(bytes([39])):,}") as told:
        rows(content)
    assert told.value.row == 200_001


@pytest.mark.parametrize("folder", ["a[1]", "a*", "a?", "it's"])
def test_marks_in_a_path_mean_themselves(folder: str, tmp_path: Path) -> None:
    for name, letter in ((folder, "here"), ("a1", "elsewhere")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "letters.json").write_text(json.dumps([{"a": letter}]))
    path = tmp_path / folder / "letters.json"
    tables = list(read_json_rows(PlainFile(path, path.name, path), QUERY, {"suffix": "!"}))
    assert [table["a"].to_pylist() for table in tables] == [["here"]]


def test_leaving_early_leaves_nothing_running() -> None:
    content = json.dumps([{"a": "x" * 500}] * 50_000).encode()
    tables = read_json_rows(BytesFile("letters.json", content), QUERY, {"suffix": ""})
    assert isinstance(next(tables), pa.Table)
    tables.close()  # type: ignore[attr-defined]  # a generator


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "z"]), JSON) | JSON, max_size=12),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_any_list_gives_one_row_a_record(
    records: list[Any], indent: int | None, ascii_only: bool
) -> None:
    content = json.dumps([{"a": "first"}, *records], indent=indent, ensure_ascii=ascii_only)
    told = rows(content.encode("utf-8", "surrogatepass"))
    assert len(told) == len(records) + 1
    assert [bool(row["odd"]) for row in told[1:]] == [not isinstance(r, dict) for r in records]
