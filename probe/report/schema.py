"""The JSON Schemas of the reports (draft 2020-12), made from the models themselves."""

from typing import Any

import msgspec

from probe.model.doctor_report import DOCTOR_SCHEMA, DoctorReport
from probe.model.report import SCHEMA, Report
from probe.model.target import IPAddress
from probe.report.field_descriptions import description

_ADDRESS: object = IPAddress  # one type at run time


def report_schema() -> dict[str, Any]:
    """The schema that every report of a scan meets."""
    return _schema(Report, SCHEMA)


def doctor_schema() -> dict[str, Any]:
    """The schema that every report of the doctor meets."""
    return _schema(DoctorReport, DOCTOR_SCHEMA)


def _schema(report: type[msgspec.Struct], name: str) -> dict[str, Any]:
    schema = msgspec.json.schema(report, schema_hook=_address)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
    format_name = {"const": name, "description": "Name and version of this format."}
    schema["$defs"][report.__name__]["properties"]["schema"] = format_name
    for struct, definition in schema["$defs"].items():
        for field, of_field in definition.get("properties", {}).items():
            meaning = description(struct, field)
            if meaning is not None:
                of_field.setdefault("description", meaning)
    return head | schema


def _address(of_type: type) -> dict[str, Any]:
    """The schema of an address, which is no type of JSON."""
    if of_type is not _ADDRESS:
        raise NotImplementedError(f"{of_type.__name__} has no schema")
    return {"type": "string", "description": "An IPv4 or IPv6 address."}


def render_schema(schema: dict[str, Any]) -> str:
    """A schema as indented JSON. Ends with a newline."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
