"""The JSON Schemas of the reports (draft 2020-12), made from the models themselves."""

from collections.abc import Mapping
from typing import Any

import msgspec

from probe.model.doctor_report import DOCTOR_SCHEMA, DoctorReport
from probe.model.machine import InterfaceAddress, Network
from probe.model.report import SCHEMA, Report
from probe.model.target import IPAddress
from probe.report.field_descriptions import description

# What is a text in JSON, and what that is.
_TEXTS: Mapping[object, str] = {
    IPAddress: "An IPv4 or IPv6 address.",
    Network: "An IPv4 or IPv6 network, as 10.88.0.0/24.",
    InterfaceAddress: "An address with the length of its network's prefix, as 10.88.0.2/24.",
}


def report_schema() -> dict[str, Any]:
    """The schema that every report of a scan meets."""
    return _schema(Report, SCHEMA)


def doctor_schema() -> dict[str, Any]:
    """The schema that every report of the doctor meets."""
    return _schema(DoctorReport, DOCTOR_SCHEMA)


def _schema(report: type[msgspec.Struct], name: str) -> dict[str, Any]:
    schema = msgspec.json.schema(report, schema_hook=_text)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
    format_name = {"const": name, "description": "Name and version of this format."}
    schema["$defs"][report.__name__]["properties"]["schema"] = format_name
    for struct, definition in schema["$defs"].items():
        for field, of_field in definition.get("properties", {}).items():
            meaning = description(struct, field)
            if meaning is not None:
                of_field.setdefault("description", meaning)
    return head | schema


def _text(of_type: type) -> dict[str, Any]:
    """The schema of what is no type of JSON, and a text there."""
    if of_type not in _TEXTS:
        raise NotImplementedError(f"{of_type.__name__} has no schema")
    return {"type": "string", "description": _TEXTS[of_type]}


def render_schema(schema: dict[str, Any]) -> str:
    """A schema as indented JSON. Ends with a newline."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
