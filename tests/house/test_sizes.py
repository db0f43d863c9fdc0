"""The house's sizes: short functions, few parameters, small files; and each test has its purpose."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

TOP = Path(__file__).parents[2]
MEDIAN, NINE_IN_TEN, LONGEST = 10, 30, 60  # lines of a function, its signature and docstring included
FILE_LINES = 450
PARAMETERS = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources(folder: str) -> tuple[Path, ...]:
    return tuple(sorted((TOP / folder).rglob("*.py")))


def functions(folder: str) -> Iterator[tuple[Path, Function]]:
    for path in sources(folder):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield path, node


def length(node: Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def place(path: Path, node: Function) -> str:
    return f"{path.relative_to(TOP)}:{node.lineno} {node.name}"


def is_command(node: Function) -> bool:
    """A typer command: each of its parameters is a flag."""
    called = [entry.func for entry in node.decorator_list if isinstance(entry, ast.Call)]
    return any(isinstance(one, ast.Attribute) and one.attr in {"command", "callback"} for one in called)


def parameters(node: Function) -> int:
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def test_functions_are_short() -> None:
    """Half of the functions are within 10 lines and nine in ten within 30."""
    lengths = sorted(length(node) for _, node in functions("probe"))
    assert median(lengths) <= MEDIAN
    assert sum(lines <= NINE_IN_TEN for lines in lengths) >= 0.9 * len(lengths)


@pytest.mark.parametrize("folder", ["probe", "tests"])
def test_no_function_is_long(folder: str) -> None:
    """No function is over 60 lines."""
    assert [place(*one) for one in functions(folder) if length(one[1]) > LONGEST] == []


@pytest.mark.parametrize("folder", ["probe", "tests"])
def test_no_file_is_long(folder: str) -> None:
    """A file over 300 lines holds two ideas."""
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in sources(folder)}
    assert [f"{path.relative_to(TOP)}: {count}" for path, count in counts.items() if count > FILE_LINES] == []


def test_few_parameters() -> None:
    """At most 6 parameters, typer's commands excepted: there each is a flag."""
    wide = [one for one in functions("probe") if parameters(one[1]) > PARAMETERS and not is_command(one[1])]
    assert [place(*one) for one in wide] == []


def test_every_test_states_its_purpose() -> None:
    """Every test has a docstring of one line."""
    tests = [one for one in functions("tests") if one[1].name.startswith("test_")]
    assert [place(*one) for one in tests if len((ast.get_docstring(one[1]) or "").splitlines()) != 1] == []


def test_test_files_have_names_of_their_own() -> None:
    """Files that are no package's are modules by their name alone: two of one name would hide each other."""
    alone = [path for path in sources("tests") if not (path.parent / "__init__.py").exists()]
    names = [path.name for path in alone if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))


def test_no_class_name_stands_twice() -> None:
    """One name, one meaning: in the program and in its tests."""
    places: dict[str, list[str]] = {}
    for path in (*sources("probe"), *sources("tests")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(TOP)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
