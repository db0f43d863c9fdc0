"""Where text goes: stdout that may be closed, full or narrow; files that appear whole or not at all."""

import errno
import fcntl
import io
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from probe.cli.main import main
from probe.cli.notices import warn_of_packets
from probe.cli.output import Destination
from probe.errors import OutputError, UnwrittenError
from probe.report.formats import Form, load
from probe.wire.pcapng import Capture

NEEDS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def destination(path: Path) -> Destination:
    """A file, as -o names it."""
    return Destination.of(Form.TABLE, path)


def test_one_format_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Two formats exclude each other, by name."""
    assert main(["scan", "127.0.0.1", "--csv", "--json"]) == 2
    assert "--json and --csv exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["scan", "infer", "demo"])
def test_every_format_has_an_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A row of the formats is an option of every command that reports; the doctor has those of its own."""
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    for form in Form:
        assert (f"--{form} " in shown) == bool(form.about)
    main(["doctor", "--help"])
    shown = capsys.readouterr().out
    assert [form for form in Form if f"--{form} " in shown] == [Form.JSON]


@pytest.mark.parametrize("form", Form)
def test_every_format_is_loaded_by_its_name(form: Form) -> None:
    """A row names what there is."""
    load(form)


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    """A new file, an existing one with its permissions, a link's target: written, nothing left beside it."""
    new, old, link = tmp_path / "new", tmp_path / "old", tmp_path / "link"
    old.write_text("before")
    old.chmod(0o640)
    link.symlink_to(old)
    destination(new).write_text("text \N{BOX DRAWINGS LIGHT HORIZONTAL}\n")
    destination(link).write_text("after\r\n")
    assert new.read_bytes().decode() == "text \N{BOX DRAWINGS LIGHT HORIZONTAL}\n"
    assert old.read_bytes() == b"after\r\n"
    assert link.is_symlink()
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "new", "old"]


def test_a_dash_is_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """`-o -` is stdout, as everywhere."""
    destination(Path("-")).write_text("text\n")
    assert capsys.readouterr().out == "text\n"


@pytest.mark.parametrize(("name", "words"), [("missing/file", "no folder"), (".", "is a folder")])
def test_files_that_cannot_be(name: str, words: str, tmp_path: Path) -> None:
    """Known before anything is probed."""
    with pytest.raises(OutputError, match=words):
        destination(tmp_path / name).check()


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written to is found out before anything is probed."""

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match="permission denied"):
        destination(tmp_path / "file").check()


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    """Known before anything is probed; the longest name that there may be is no problem."""
    with pytest.raises(OutputError, match="file name too long"):
        destination(tmp_path / ("n" * 256)).check()
    longest = destination(tmp_path / ("n" * 255))
    longest.check()
    longest.write_text("text")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["text"]


def test_links_that_lead_to_each_other(tmp_path: Path) -> None:
    """There is no file at their end."""
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    with pytest.raises(OutputError, match=r"links lead to each other|symbolic links"):
        destination(tmp_path / "one").check()


def test_a_device_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for, not tried: a pipe would wait for a reader."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(OutputError, match="permission denied"):
        destination(Path(os.devnull)).check()


def test_a_folder_that_cannot_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not even show whether the file exists, that is no bug."""

    def refuse(self: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(OutputError, match="permission denied"):
        destination(tmp_path / "file").check()


def test_a_failed_write_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No half-written file, no temporary one, the old content still there, and the new one printed."""
    path = tmp_path / "report.json"
    path.write_text("before")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UnwrittenError, match="No space left on device; the result is printed") as lost:
        destination(path).write_text("after")
    assert lost.value.exit_code == 6
    assert capsys.readouterr().out == "after"
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@NEEDS_FULL
def test_a_device_is_written_to_and_not_replaced() -> None:
    """A full device is an error; the device stays a device."""
    with pytest.raises(UnwrittenError, match="No space left"):
        destination(Path("/dev/full")).write_text("text")
    assert Path("/dev/full").is_char_device()
    destination(Path(os.devnull)).write_text("text")


def test_a_pipe_whose_reader_left_is_no_error(tmp_path: Path) -> None:
    """A named pipe is written to as long as somebody reads."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    kept = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # so that opening it does not wait
    os.close(reader)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        destination(path).write_text("text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
        os.close(kept)


def test_a_pipe_is_waited_for_until_somebody_reads(tmp_path: Path) -> None:
    """Without a reader at that moment, what was measured would be lost."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as pool:
        written = pool.submit(destination(path).write_text, "text")
        assert path.read_text() == "text"
        assert written.result()


def test_a_signal_ends_the_wait_for_a_reader(
    tmp_path: Path, interrupt: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The result is printed instead."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    interrupt()
    with pytest.raises(UnwrittenError, match="nobody reads this pipe"):
        destination(path).write_text("text")
    assert capsys.readouterr().out == "text"


@pytest.mark.parametrize("name", ["file", "link", "./file"])
def test_one_file_for_packets_and_result(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would overwrite the other; /dev/null takes both."""
    (tmp_path / "link").symlink_to(tmp_path / "file")
    both = ("--pcap", str(tmp_path / name), "-o", str(tmp_path / "file"))
    assert main(["scan", "127.0.0.1", *both]) == 2
    assert "--pcap and -o name one file" in capsys.readouterr().err
    destination(Path(os.devnull)).require_apart_from(Path(os.devnull))


@NEEDS_FULL
def test_a_full_disk_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no block of a new file has room: before anything is probed."""
    monkeypatch.setattr(Path, "open", lambda *_, **__: open("/dev/full", "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - in its place
    with pytest.raises(OutputError, match="no space left on device"):
        destination(tmp_path / "file").check()


def part(folder: Path, name: str, age_s: float) -> Path:
    """A file of a run that was last written so many seconds ago."""
    path = folder / name
    path.touch()
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return path


def test_what_a_dead_run_left_is_removed(tmp_path: Path) -> None:
    """A part file that nobody holds and that is not new; nothing else, whatever its name is like."""
    part(tmp_path, ".bindprobe.0123456789abcdef.part", 100)
    held = part(tmp_path, ".bindprobe.0123456789abcde3.part", 100)
    kept = {
        part(tmp_path, ".bindprobe.0123456789abcde0.part", 1),
        part(tmp_path, ".bindprobe.0123456789abcdef.parts", 100),
        part(tmp_path, "x.bindprobe.0123456789abcdef.part", 100),
        tmp_path / ".bindprobe.0123456789abcde1.part",
        tmp_path / ".bindprobe.0123456789abcde2.part",
    }
    os.mkfifo(tmp_path / ".bindprobe.0123456789abcde1.part")
    (tmp_path / ".bindprobe.0123456789abcde2.part").symlink_to(held)
    with held.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        destination(tmp_path / "file").check()
        assert set(tmp_path.iterdir()) == {*kept, held}
    destination(tmp_path / "file").check()
    assert set(tmp_path.iterdir()) == kept


def test_a_place_is_held_from_the_start(tmp_path: Path) -> None:
    """A locked file with room is there until the result is; of what was reserved nothing stays in that."""
    chosen = destination(tmp_path / "file")
    (tmp_path / "file").write_text("as it was")
    with chosen.around().hold():
        (held,) = set(tmp_path.iterdir()) - {tmp_path / "file"}
        assert held.stat().st_size > 1000
        with held.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert (tmp_path / "file").read_text() == "as it was"
        chosen.write_text("text")
        assert list(tmp_path.iterdir()) == [tmp_path / "file"]
        assert (tmp_path / "file").read_text() == "text"
    assert (tmp_path / "file").read_text() == "text"


def test_what_is_held_is_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other file is opened at the end, when there might be no room for it."""
    chosen = destination(tmp_path / "file")

    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with chosen.around().hold(), monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        chosen.write_text("text")
    assert (tmp_path / "file").read_text() == "text"


def test_a_place_that_was_not_used_or_was_taken(tmp_path: Path) -> None:
    """Nothing stays where nothing was written; where somebody cleared the folder, it is written anew."""
    chosen = destination(tmp_path / "file")
    with chosen.around().hold():
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with chosen.around().hold():
        next(tmp_path.iterdir()).unlink()
        chosen.write_text("text")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["text"]


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be written to all the same; nor does a file system without locks stop it."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(fcntl, "flock", refuse)
    destination(tmp_path / "file").check()
    destination(tmp_path / "file").write_text("text")
    assert (tmp_path / "file").read_text() == "text"


class BrokenStream(io.StringIO):
    """A stdout whose writes fail."""

    encoding = "utf-8"

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


def test_a_reader_that_left_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`| head -1` has seen enough."""
    monkeypatch.setattr("sys.stdout", BrokenStream(BrokenPipeError(32, "Broken pipe")))
    Destination().write_text("text")


def test_a_full_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found out at the end."""
    monkeypatch.setattr("sys.stdout", BrokenStream(OSError(28, "No space left on device")))
    with pytest.raises(UnwrittenError, match="No space left"):
        Destination().write_text("text")


def test_a_closed_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known before anything is probed."""
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(OutputError, match="stdout is closed"):
        Destination().check()
    with pytest.raises(OutputError, match="stdout is closed"):
        Destination().write_text("text")


class FullPipe(io.RawIOBase):
    """A pipe that is nearly full, and signals that come: no more than PIPE_BUF is taken at once."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        few = bytes(data[:4096])
        self.taken += few
        return len(few)


def test_an_unbuffered_stdout_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under `python -u` the stream does not write again what a write leaves over."""
    pipe, text = FullPipe(), "\u00e9\u4e2d\U0001f50c" * 5000
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(pipe, "utf-8", write_through=True))
    assert Destination.of(Form.TABLE, Path("-")).write_text(text)
    assert pipe.taken.decode() == text


def test_what_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASCII stdout gets escapes, not an exception."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    Destination().write_text("caf\N{LATIN SMALL LETTER E WITH ACUTE}\n")
    assert raw.getvalue() == b"caf\\xe9\n"


def test_a_packet_file_that_ends_early(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr, and none where it is whole or was not asked for."""
    warn_of_packets(None)
    with closing(Capture(tmp_path / "packets")) as capture:
        warn_of_packets(capture)
        assert capsys.readouterr().err == ""
        capture.failure = "No space left on device"
        warn_of_packets(capture)
    assert capsys.readouterr().err == "the packet file ends early: No space left on device\n"
