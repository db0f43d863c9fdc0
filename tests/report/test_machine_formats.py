"""JSON, NDJSON, CSV, Markdown, the schema: complete, valid, stable, harmless."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from keyword import iskeyword
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator
from sample_reports import (
    EMPTY,
    EVERY,
    EVIL,
    LARGE,
    OPEN,
    RAW,
    SPECIFIC,
    THREE,
    TYPICAL,
    WILDCARD,
    port,
    report,
)

from probe.errors import UsageError
from probe.model.report import Report
from probe.report.as_csv import COLUMNS, render_csv
from probe.report.as_json import json_parts, ndjson_parts, render_json, render_ndjson
from probe.report.markdown import render_markdown
from probe.report.read import parse_report, read_report
from probe.report.schema import (
    _OF,
    _text,
    diff_schema,
    doctor_schema,
    render_schema,
    report_schema,
    watch_schema,
)

VALIDATOR = Draft202012Validator(report_schema())


@pytest.mark.parametrize("name", EVERY)
def test_every_report_meets_the_schema_and_reads_back(name: str) -> None:
    """What is written is valid, and is the same report when read again."""
    text = render_json(EVERY[name])
    VALIDATOR.validate(json.loads(text))
    assert parse_report(text.encode(), name) == EVERY[name]


def test_the_schema_is_one_and_refuses_others() -> None:
    """The schema is itself valid, and a foreign document does not meet it."""
    Draft202012Validator.check_schema(json.loads(render_schema(report_schema())))
    assert not VALIDATOR.is_valid({"schema": "bindprobe.doctor/1"})
    wrong = json.loads(render_json(TYPICAL)) | {"schema": "bindprobe.report/9"}
    assert not VALIDATOR.is_valid(wrong)


def test_every_field_is_described() -> None:
    """Whoever reads the schema alone knows what each field means; no name is a keyword of Python."""
    fields = [
        (struct, name, field.get("description", ""))
        for struct, definition in report_schema()["$defs"].items()
        for name, field in definition.get("properties", {}).items()
    ]
    assert [(struct, name) for struct, name, meaning in fields if not meaning.endswith(".")] == []
    assert [name for _, name, _ in fields if iskeyword(name)] == []


def test_an_address_is_text() -> None:
    """An address of the model is a text; a type without a known schema is an error where it is added."""
    fields = report_schema()["$defs"]["TargetAddress"]["properties"]
    assert fields["ip"]["type"] == "string"
    with pytest.raises(TypeError, match="complex"):  # msgspec makes it of ours
        msgspec.json.schema(complex, schema_hook=_text)


def test_every_description_is_used() -> None:
    """A field that is gone leaves no description behind."""
    schemas = (report_schema(), doctor_schema(), diff_schema(), watch_schema())
    definitions = {name: one for schema in schemas for name, one in schema["$defs"].items()}
    assert sorted(set(_OF) - set(definitions)) == []
    for struct, fields in _OF.items():
        assert sorted(set(fields) - set(definitions[struct]["properties"])) == []


def test_keys_stand_in_the_documented_order() -> None:
    """What a piece is of comes first; the order is the same every time."""
    document = json.loads(render_json(TYPICAL))
    assert list(document)[:6] == ["schema", "version", "started", "elapsed_s", "engine", "vantage"]
    assert list(document["ports"][0])[:5] == ["port", "protocol", "service", "binding", "bound_to"]
    assert list(json.loads(render_json(LARGE))["rest"][0])[:3] == ["ports", "protocol", "binding"]
    assert "rest" not in document


def test_not_a_number_is_never_written() -> None:
    """A probability that is no number is a bug that shows, not a null that reads "not measured"."""
    with pytest.raises(msgspec.ValidationError):
        render_json(report([port(80, (OPEN, OPEN, OPEN), confidence=float("nan"))]))


@pytest.mark.parametrize("parts", [json_parts, ndjson_parts])
def test_ports_are_rendered_one_by_one(parts: Callable[[Report], Iterator[str]]) -> None:
    """Of half a million ports no more than one is text at a time."""
    ports = tuple(msgspec.structs.replace(TYPICAL.ports[0], port=number) for number in range(1, 500))
    longest = max(map(len, parts(msgspec.structs.replace(TYPICAL, ports=ports))))
    assert longest <= max(map(len, parts(TYPICAL))) + 2


@pytest.mark.parametrize("render", [render_json, render_ndjson])
def test_json_carries_no_control_characters(render) -> None:
    """Escape sequences stay escapes in the text and come back as they were."""
    text = render(EVIL)
    assert all(line.isprintable() for line in text.splitlines())
    assert "\\u009b" in text


def test_ndjson_has_one_piece_a_line() -> None:
    """Scan, addresses, ports, groups, stats: each on its own line, each with the schema."""
    lines = [json.loads(line) for line in render_ndjson(LARGE).splitlines()]
    assert {line["schema"] for line in lines} == {"bindprobe.report/2"}
    kinds = [list(line)[1] for line in lines]
    assert kinds == ["scan", "address", "address", "address", "port", "ports", "ports", "stats"]
    assert lines[4] == {"schema": "bindprobe.report/2"} | json.loads(render_json(LARGE))["ports"][0]
    assert json.loads(render_ndjson(EMPTY).splitlines()[-1])["complete"] is False


def test_csv_has_a_row_for_each_answer() -> None:
    """One row a port and address, named columns, empty cells for what was not measured."""
    rows = list(csv.DictReader(io.StringIO(render_csv(TYPICAL))))
    assert len(rows) == len(TYPICAL.ports) * len(THREE)
    assert tuple(rows[0]) == COLUMNS
    unmeasured = rows[2]
    assert (unmeasured["address"], unmeasured["state"], unmeasured["from"]) == ("203.0.113.10", "", "")
    assert rows[-3]["bound_to"] == "192.168.77.10"


def test_csv_shows_groups_and_ports_without_answers() -> None:
    """Groups keep their ranges; a port that no address was asked for still has a row."""
    assert any(row[0] == "1-21,23-79,90-4000,5000" for row in csv.reader(io.StringIO(render_csv(LARGE))))
    bare = render_csv(report([port(80, (OPEN, OPEN, OPEN), observations=())]))
    assert len(bare.splitlines()) == 2


def test_csv_has_what_raw_packets_added() -> None:
    """What ties a socket to its address, and what connect() did not get, have columns of their own."""
    rows = list(csv.DictReader(io.StringIO(render_csv(RAW))))
    assert COLUMNS[-4:] == ("why", "bound_by", "raw_only", "vantage")
    assert {row["bound_by"] for row in rows if row["port"] == "9000"} == {"device"}
    assert {(row["address"], row["raw_only"]) for row in rows if row["port"] == "8000"} == {
        ("192.168.77.10", ""),
        ("10.88.0.10", "true"),
        ("203.0.113.10", ""),
    }


def test_reports_from_before_raw_packets_still_read() -> None:
    """A report without the keys that raw packets brought is read; what it lacks was not measured."""
    added = {"bound_by", "link_address", "probes", "raw_only"}

    def without(value):
        if isinstance(value, dict):
            return {key: without(item) for key, item in value.items() if key not in added}
        return [without(item) for item in value] if isinstance(value, list) else value

    old = json.dumps(without(json.loads(GOOD)))
    assert parse_report(old.encode(), "old") == TYPICAL


def test_csv_text_is_no_formula() -> None:
    """A cell that a spreadsheet would run is marked as text."""
    assert ",'=1+1,,,\r\n" in render_csv(report([port(80, (OPEN, OPEN, OPEN), why="=1+1")]))


def test_markdown_is_one_table_with_its_notes() -> None:
    """Every row has as many cells as the header, whatever the texts hold; notes follow."""
    text = render_markdown(
        report([*TYPICAL.ports, port(1, (OPEN,) * 3, why="a|b <i>")], addresses=TYPICAL.addresses)
    )
    table = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 5
    assert {line.count("|") for line in table} == {len(THREE) + 5}
    assert "\\<i\\>" in text
    assert "1. bring the tunnel up" in text
    assert "- vpn 10.88.0.10: tunnel-down" in text


def test_markdown_shows_groups_and_interruption() -> None:
    """Groups have their full list below; an interrupted scan is marked; missing answers are named."""
    assert "3,990 others/tcp: 1-21, 23-79" in render_markdown(LARGE)
    assert render_markdown(EMPTY).startswith("Interrupted")
    assert "not measured" in render_markdown(report([port(80, (OPEN,) * 3, observations=())]))
    assert "What to do" not in render_markdown(report([WILDCARD, SPECIFIC]))


@pytest.mark.parametrize("render", [render_csv, render_markdown])
def test_text_formats_escape_control_characters(render) -> None:
    """What the network sent never reaches a terminal raw."""
    assert "\x1b" not in render(EVIL)
    assert "\\x1b[2J" in render(EVIL).replace("\\\\", "\\").replace("\\[", "[")


GOOD = render_json(TYPICAL).encode()
UNREADABLE = {
    "truncated": (GOOD[:-200], "not one complete JSON report"),
    "empty": (b"", "not one complete JSON report"),
    "lines": (render_ndjson(TYPICAL).encode(), "not one complete JSON report"),
    "binary": (b"\x7fELF\x00", "not one complete JSON report"),
    "not utf-8": (b'{"schema": "\xff\xfe"}', "not one complete JSON report"),
    "deep": (b'{"schema": "bindprobe.report/2", "x": ' + b"[" * 100_000, "not one complete JSON report"),
    "list": (b"[1, 2]", "no bindprobe report"),
    "number": (b"42", "no bindprobe report"),
    "foreign": (b'{"name": "package.json"}', "no bindprobe report"),
    "other schema": (b'{"schema": "nmap/1"}', "no bindprobe.report/2 report"),
    "older": (b'{"schema": "bindprobe.report/1"}', "written by another version"),
    "newer": (b'{"schema": "bindprobe.report/3"}', "written by another version"),
    "wrong type": (GOOD.replace(b'"port": 22', b'"port": "22"'), "$.ports[0].port"),
    "impossible port": (GOOD.replace(b'"port": 22', b'"port": 65536'), "$.ports[0].port"),
    "unknown word": (GOOD.replace(b'"undetermined"', b'"perhaps"'), "perhaps"),
    "missing key": (GOOD.replace(b'"engine"', b'"motor"'), "engine"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_are_no_report(name: str, tmp_path: Path) -> None:
    """Each is one line that names the file and what is wrong with it."""
    data, wrong = UNREADABLE[name]
    path = tmp_path / "report.json"
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        read_report(path)
    assert wrong in str(caught.value)
    assert "report.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wrong"), [("missing.json", "No such file"), (".", "directory"), ("a\0b", "null")]
)
def test_files_that_cannot_be_read(name: str, wrong: str, tmp_path: Path) -> None:
    """A missing file, a folder, an impossible name: named, with the reason."""
    with pytest.raises(UsageError, match=wrong):
        read_report(tmp_path / name)


def test_a_report_is_read_from_a_file(tmp_path: Path) -> None:
    """A report written to a file is the same when it is read."""
    path = tmp_path / "report.json"
    path.write_bytes(GOOD)
    assert read_report(path) == TYPICAL
    assert isinstance(read_report(path), Report)


def test_a_report_is_read_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report in a pipe is read too; a closed stdin is a usage error."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    assert read_report(Path("-")) == TYPICAL
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="stdin"):
        read_report(Path("-"))
