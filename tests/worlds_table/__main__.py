"""`make table`: scenarios in every world with every engine, compared; it ends with 1 on a difference.

Run as `python -m worlds_table` with `tests` on the path; --help lists its options.
"""

from pathlib import Path
from typing import Annotated

import typer

from probe.app.engines import Engine
from probe.cli.options import LabWorld
from probe.cli.output import Destination
from probe.cli.terminal import complain
from probe.errors import BindprobeError
from probe.report.formats import Form
from worlds_table.build import columns_of, rendered, tabled

EXIT_NOT_MET = 1


_Names = Annotated[list[str] | None, typer.Argument(help="Scenarios; none: all of them.")]
_Worlds = Annotated[list[LabWorld] | None, typer.Option(help="May be repeated; none: all.")]
_Engines = Annotated[list[Engine] | None, typer.Option(help="May be repeated; none: both.")]
_Page = Annotated[bool, typer.Option("--md", help="A page in Markdown, with what it was measured on.")]
_Output = Annotated[Path | None, typer.Option("-o", help="A file.")]
_Verbose = Annotated[bool, typer.Option("-v", help="List the differences that are explained, too.")]
_Quiet = Annotated[bool, typer.Option("-q", help="No progress.")]


def main(  # noqa: PLR0913 - each is a flag
    names: _Names = None,
    world: _Worlds = None,
    engine: _Engines = None,
    *,
    md: _Page = False,
    output: _Output = None,
    verbose: _Verbose = False,
    quiet: _Quiet = False,
) -> None:
    """Run scenarios in every world with every engine and compare what is found. The worlds run at once."""
    try:
        destination = Destination.of(Form.MARKDOWN if md else Form.TABLE, output)
        destination.check()
        grid = tabled(names or (), columns_of(world, engine), quiet=quiet)
        destination.write_text(rendered(grid, page=md, detail=verbose))
    except BindprobeError as error:
        complain(str(error))
        raise typer.Exit(error.exit_code) from None
    if not grid.ok:
        raise typer.Exit(EXIT_NOT_MET)


if __name__ == "__main__":
    typer.run(main)
