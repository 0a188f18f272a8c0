"""The command line as a process: exit statuses, one line on stderr, signals, pipes, and nothing left behind."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from box_fonts import BOXES
from click.testing import CliRunner

import glyphrender
from glyphrender import cli

COMMAND = [sys.executable, "-m", "glyphrender"]
SOURCES = str(Path(glyphrender.__file__).parents[1])
SAMPLE = Path(__file__).parent / "data/udhr-eng.txt"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": SOURCES, "PYTHONUTF8": "1", "PYTHONWARNINGS": "error", **more}


def run(*arguments: str | Path, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    given = {"capture_output": True, "text": True, "timeout": 60, "env": environment(), **options}
    return subprocess.run([*COMMAND, *map(str, arguments)], cwd=cwd, check=False, **given)  # type: ignore[call-overload,no-any-return]


def refused(*arguments: str | Path, cwd: Path, status: int = 2, **options: object) -> str:
    """The message of a run that fails: one line, no traceback, nothing on stdout, nothing left in `cwd`."""
    before = sorted(cwd.rglob("*"))
    result = run(*arguments, cwd=cwd, **options)
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    assert re.fullmatch(r"glyphrender: [^\n]+\n", result.stderr), result.stderr
    assert sorted(cwd.rglob("*")) == before
    return result.stderr.removeprefix("glyphrender: ").rstrip("\n")


# -- what the user does wrong ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["frobnicate"], ["frobnicate", "--help"]),
        (["render"], ["Missing argument", "glyphrender render --help"]),
        (["render", "in.txt", "--frob"], ["--frob"]),
        (["render", "in.txt", "--jobs", "0"], ["--jobs", "0"]),
        (["render", "in.txt", "--set", "font_size=-3"], ["font_size=-3", "1 to 1000 pt"]),
        (["render", "in.txt", "--set", "font_size=big"], ["font_size", "big"]),
        (["render", "in.txt", "--set", "font_sise=9"], ["font_sise", "font_size"]),
        (["render", "in.txt", "--set", "font_size"], ["--set font_size", "name=value"]),
        (["render", "in.txt", "--set", "line_height=5"], ["line_height=5", "font_size=9"]),
        (["render", "in.txt", "--set", "page_size=20,20"], ["margin", "10"]),
        (["render", "in.txt", "--set", "dpi=2000", "--set", "page_size=A3"], ["megapixels", "100", "dpi=2000"]),
        (["render", "in.txt", "--preset", "nope"], ["nope", "glyph-en"]),
        (["render", "in.txt", "--theta", "nope.json"], ["nope.json", "No such file"]),
        (["render", "in.txt", "--theta", "in.txt"], ["in.txt", "not JSON"]),
        (["render", "in.txt", "--theta", "bad.json"], ["font_size", "nine"]),
        (["render", "in.txt", "--theta", "good.json", "--preset", "code"], ["--theta", "--preset"]),
        (["render", "in.txt", "--set", "font=nope.ttf"], ["nope.ttf", "does not exist"]),
        (["render", "in.txt", "--set", "font=broken.ttf"], ["broken.ttf"]),
        (["render", "in.txt", "--set", "font=No Such Family"], ["No Such Family"]),
        (["render", "long.txt", "--max-pages", "2"], ["max_pages=2"]),
        (["render", "nope.txt"], ["nope.txt", "does not exist"]),
        (["render", "*.nope"], ["*.nope", "no file"]),
        (["render", "latin.txt"], ["latin.txt", "UTF-8", "0x93", "offset 5", "--encoding"]),
        (["render", "binary.bin"], ["binary.bin", "binary", "0x00", "offset 3"]),
        (["render", "in.txt", "--encoding", "klingon"], ["--encoding", "klingon"]),
        (["render", "in.txt", "--encoding", "rot13"], ["--encoding", "rot13"]),
        (["render", "in.txt", "--format", "npy", "--bits", "4"], ["--bits 4", "npy"]),
        (["render", "-", "-"], ["- is given twice"]),
        (["render", "empty"], ["empty", "folder"]),
        (["render", "tree", "--include", "*.rs"], ["tree", "--include"]),
        (["render", "in.txt", "-o", "in.txt"], ["in.txt is an input and the output"]),
        (["render", "in.txt", "-o", "long.txt"], ["long.txt is a file"]),
        (["render", "in.txt", "-o", "in.txt/below"], ["in.txt/below", "in.txt is a file"]),
        (["render", "in.txt", "-o", "tree"], ["tree", "other files"]),
        (["show", "nope.txt"], ["nope.txt", "No such file"]),
        (["show", "in.txt", "--pages", "0"], ["--pages", "0", "3-9"]),
        (["show", "in.txt", "--pages", "9-3"], ["--pages", "9-3"]),
        (["show", "in.txt", "--pages", "7"], ["in.txt", "no page 7"]),
        (["show", "in.txt", "-o", "in.txt/x.html"], ["in.txt/x.html", "Not a directory"]),
        (["show", "empty"], ["empty", "folder is empty"]),
        (["show", "in.txt", "-o", "long.txt"], ["long.txt", "did not write it", "Choose another file"]),
        (["render", "in.txt", "-o", "."], ["in.txt is an input, and lies inside the output ."]),
        (["fonts", "--text", "a", "--file", "in.txt"], ["--text", "--file"]),
        (["fonts", "--file", "binary.bin"], ["binary.bin", "0x00"]),
        (["theta", "show", "nope"], ["nope", "glyph-en"]),
        (["theta", "validate", "bad.json"], ["font_size", "nine"]),
        (["theta", "validate", "strange.json"], ["font", "No Such Family"]),
        (["theta", "convert", "good.json", "--to", "yaml"], ["--to", "yaml"]),
        (["theta", "explain", "font_sise"], ["font_sise", "font_size"]),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_that_names_it(arguments: list[str], named: list[str], tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("In the beginning\n")
    (tmp_path / "long.txt").write_text("word\n" * 1000)
    (tmp_path / "latin.txt").write_bytes("cafe “no”".encode("cp1252"))
    (tmp_path / "binary.bin").write_bytes(b"GIF\0\1\2")
    (tmp_path / "good.json").write_text('{"font_size": 9}')
    (tmp_path / "bad.json").write_text('{"font_size": "nine"}')
    (tmp_path / "strange.json").write_text('{"font": "No Such Family"}')
    (tmp_path / "broken.ttf").write_bytes(BOXES.read_bytes()[:700])
    (tmp_path / "empty").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a.py").write_text("a\n")
    message = refused(*arguments, cwd=tmp_path)
    for name in named:
        assert name in message


def test_a_message_stays_on_one_line_whatever_the_file_is_called(tmp_path: Path) -> None:
    assert r"no\nsuch\x1b" in refused("render", "no\nsuch\x1bfile", cwd=tmp_path)


@pytest.mark.slow
def test_a_file_name_that_is_not_utf8_can_be_rendered_and_shown(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        (tmp_path / name).write_text("x\n")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert run("render", name, "-o", "one", cwd=tmp_path).returncode == 0
    assert run("render", name, name, "-o", "two", cwd=tmp_path).returncode == 0
    assert run("show", name, cwd=tmp_path).returncode == 0


# -- what the machine does wrong ---------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_standard_output_that_is_full_is_a_failure_in_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        result = run("theta", "explain", cwd=tmp_path, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr == "glyphrender: standard output failed (No space left on device).\n"


def test_a_reader_that_goes_away_is_no_error_message(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "theta", "explain"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(300) == 1


@pytest.mark.slow
def test_a_full_disk_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    mount = getattr(ctypes.CDLL(None, use_errno=True), "mount", None)
    disk = tmp_path / "disk"
    disk.mkdir()
    if mount is None or mount(b"tmpfs", str(disk).encode(), b"tmpfs", 0, b"size=256k") != 0:
        pytest.skip("no right to mount a small disk")
    try:
        text = tmp_path / "long.txt"
        text.write_text("In the beginning was the Word, and the Word was with God.\n" * 5000)
        message = refused("render", text, "-o", disk / "new/pages", cwd=disk, status=1)
        assert "No space left" in message
        assert "No space left" in refused("render", text, "-o", disk / "new/pages", "--jobs", 2, cwd=disk, status=1)
        assert refused("show", text, "-o", disk / "pages.html", cwd=disk, status=1)
        # What was there before is still whole.
        assert run("render", SAMPLE, "-o", "old", cwd=disk).returncode == 0
        files = {path: path.read_bytes() for path in (disk / "old").iterdir()}
        assert "No space left" in refused("render", text, "-o", "old", cwd=disk, status=1)
        assert {path: path.read_bytes() for path in (disk / "old").iterdir()} == files
    finally:
        ctypes.CDLL(None).umount2(str(disk).encode(), 2)  # MNT_DETACH


def test_a_bug_is_named_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glyphrender.theta.describe.explain", lambda name: 1 // 0)
    result = CliRunner().invoke(cli.command, ["theta", "explain", "dpi"])
    assert result.exit_code == 1
    assert result.stderr.startswith("glyphrender: a bug (ZeroDivisionError")


def closed(stream: int) -> Callable[[], None]:
    return lambda: os.close(stream)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX descriptors")
def test_a_closed_stream_is_one_line_or_nothing(tmp_path: Path) -> None:
    result = run("render", SAMPLE, cwd=tmp_path, preexec_fn=closed(1))
    assert result.returncode == 1  # the summary is lost, the pages are not
    assert result.stderr == "glyphrender: standard output is closed. Redirect it, as in > /dev/null.\n"
    assert len(list((tmp_path / "pages").iterdir())) > 2
    assert "standard input is closed" in refused("render", "-", "-o", "other", cwd=tmp_path, preexec_fn=closed(0))
    result = run("render", "nope.txt", cwd=tmp_path, preexec_fn=closed(2))
    assert (result.returncode, result.stdout, result.stderr) == (2, "", "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("files", [8, 16])
def test_too_few_files_are_a_failure_in_one_line(tmp_path: Path, jobs: str, files: int) -> None:
    import resource

    (tmp_path / "long.txt").write_text(SAMPLE.read_text() * 100)
    limit = (files, files)
    options = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)}
    result = run("render", "long.txt", "--jobs", jobs, cwd=tmp_path, **options)
    if result.returncode:
        assert result.returncode == 1
        assert re.fullmatch(r"glyphrender: [^\n]*Too many open files[^\n]*\n", result.stderr), result.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]


# -- signals -----------------------------------------------------------------------------------------


def obey_signals() -> None:
    """Undo what the tests were started with: a shell's & ignores SIGINT, and nohup ignores SIGHUP."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("name", "status", "group"),
    [("SIGINT", 130, False), ("SIGTERM", 143, False), ("SIGTERM", 143, True), ("SIGHUP", 129, True)],
)
def test_an_interrupt_leaves_nothing_behind(name: str, status: int, group: bool, jobs: str, tmp_path: Path) -> None:
    text = tmp_path / "long.txt"
    text.write_text(SAMPLE.read_text() * 300)
    out = tmp_path / "out"
    out.mkdir()
    process = subprocess.Popen(
        [*COMMAND, "render", str(text), "-o", "new/pages", "--jobs", jobs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=out,
        # A signal may fall between open() and its `with`, inside pathlib: the file is then closed by the collector.
        env=environment(PYTHONWARNINGS="error,ignore::ResourceWarning"),
        preexec_fn=obey_signals,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not list(out.glob("new/.pages.*.part/page_0003.png")):  # it is in the middle of its work
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    (os.killpg if group else os.kill)(process.pid, getattr(signal, name))
    stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stdout, stderr) == (status, "", "")
    assert list(out.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux has this list")
def test_a_process_that_is_killed_is_a_failure_and_no_mistake_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(SAMPLE.read_text() * 300)
    process = subprocess.Popen(
        [*COMMAND, "render", "long.txt", "--jobs", "2"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(PYTHONWARNINGS="error,ignore::ResourceWarning"),
    )
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(".pages.*.part/page_0003.png")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 1
    assert re.fullmatch(r"glyphrender: a process was killed \(exit status -9\)[^\n]*\n", stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]


# -- what it prints ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_summary_and_json_agree(tmp_path: Path) -> None:
    text = tmp_path / "t.txt"
    text.write_text(f"{SAMPLE.read_text()}\ue000\ue000\U000f0000\n")
    line = run("render", text, "-o", "pages", cwd=tmp_path)
    summary = json.loads(run("render", text, "-o", "pages", "--json", cwd=tmp_path).stdout)
    files = sorted((tmp_path / "pages").glob("*.png"))
    assert summary["pages"] == len(files) > 1
    assert summary["bytes"] == sum(file.stat().st_size for file in files)
    assert summary["missing"] == {"U+E000": 2, "U+F0000": 1}
    assert line.stderr == ""
    assert re.fullmatch(
        rf"{len(files)} pages, {summary['bytes']:,} bytes, [\d,]+ ms: pages; "
        r"3 characters that no font has: U\+E000 ×2, U\+F0000 ×1\n",
        line.stdout,
    )


def test_output_that_cannot_hold_theta_is_escaped(tmp_path: Path) -> None:
    result = run("theta", "presets", cwd=tmp_path, env=environment(PYTHONUTF8="0", PYTHONIOENCODING="latin-1"))
    assert result.returncode == 0
    assert r"\u03b8" in result.stdout


def test_help_and_version_import_no_command(tmp_path: Path) -> None:
    shown = run("--version", cwd=tmp_path)
    assert shown.stdout == f"glyphrender {glyphrender.__version__}\n"
    code = (
        "import sys; from glyphrender.cli import command; command(['--help'], standalone_mode=False); "
        "print(*({'numpy', 'skia', 'PIL', 'glyphrender.theta', 'glyphrender.cli.render'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert result.stdout.startswith("Usage:")
    assert result.stdout.endswith("\n\n")


def test_help_says_what_each_command_says_of_itself() -> None:
    for name, line in cli.COMMANDS.items():
        found = cli.command.get_command(None, name)  # type: ignore[arg-type]
        assert found is not None
        assert (found.help or "").partition("\n")[0] == line
        assert found.name == name or found.name == "command"


@pytest.mark.slow
def test_verbose_tells_which_font_and_rasteriser_draw(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello")
    quiet = run("render", "a.txt", "-o", "quiet", cwd=tmp_path)
    told = run("-v", "render", "a.txt", "-o", "told", cwd=tmp_path)
    assert quiet.stderr == ""
    assert "glyphrender.typeset.shaper: font DejaVu Sans weight 400: " in told.stderr
    assert re.search("^glyphrender.raster.canvas: .* draws? pages", told.stderr, re.MULTILINE)


@pytest.mark.slow
def test_nothing_is_logged_and_logging_is_not_imported_by_a_program_that_does_not_use_it() -> None:
    code = "import sys; from glyphrender import render; render('a')[0].png(); print('logging' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert (done.stdout, done.stderr) == ("False\n", "")


# -- outputs are looked at before work starts -----------------------------------------------------------------------


def in_process(*arguments: str | Path) -> str:
    """Return the message of the error that ends a command."""
    result = CliRunner().invoke(cli.command, list(map(str, arguments)), standalone_mode=False)
    assert isinstance(result.exception, glyphrender.GlyphRenderError), result.exception
    return str(result.exception)


_SERVER = ("--model", "x", "--base-url", "http://127.0.0.1:9/v1")  # nothing listens there


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench", "in.txt", "--csv", "OUT"],
        ["bench", "in.txt", "--plot", "OUT"],
        ["fit", "in.txt", "--rho", "2", "-o", "OUT"],
        ["propose", "in.txt", "-o", "OUT"],
        ["show", "in.txt", "-o", "OUT"],
        ["distill", "in.txt", *_SERVER, "-o", "OUT"],
        ["render", "in.txt", "-o", "OUT"],
        ["render", "in.txt", "-o", "OUT.pdf"],
        ["search", "in.txt", "-o", "OUT"],
        ["corpus", "in.txt", "-o", "OUT"],
        ["eval", "efficiency", "glm-4.1v-9b", "--text", "in.txt", "-o", "OUT"],
        ["eval", "ruler", *_SERVER, "--vision", "glm-4.1v", "-o", "OUT"],
        ["profile", *_SERVER, "--yes", "-o", "OUT"],
    ],
    ids=lambda arguments: " ".join(arguments[:3]),
)
def test_an_output_that_cannot_be_written_is_named_before_work_starts(arguments: list[str], tmp_path: Path) -> None:
    source, file = tmp_path / "in.txt", tmp_path / "file"
    source.write_bytes(b"caf\xe9")  # reading this text fails, so whatever is said of the output is said before
    file.write_text("a file of the user")
    places = [file / "out"]
    if arguments[0] in ("bench", "fit", "propose", "show", "distill"):  # these make no folders
        places += [tmp_path / ("x" * 256), tmp_path / "none" / "out"]
    for place in places:
        given = [each.replace("in.txt", str(source)).replace("OUT", str(place)) for each in arguments]
        assert re.match(f"{re.escape(str(place))}(.pdf)? cannot be (written|a folder)", in_process(*given))
    assert sorted(tmp_path.iterdir()) == [file, source]
    assert file.read_text() == "a file of the user"


@pytest.mark.parametrize("name", ["efficiency.json", "efficiency.svg"])
def test_a_report_of_efficiency_replaces_no_file_of_the_user(name: str, tmp_path: Path) -> None:
    command = ("eval", "efficiency", "glm-4.1v-9b", "--on", "h100-sxm", "--rho", "3.3", "-o", tmp_path)
    (tmp_path / name).write_text('{"mine": 1}')
    assert f"{name} is there already" in in_process(*command)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    (tmp_path / name).unlink()
    for _ in range(2):  # its own report is replaced, until somebody changes it
        assert CliRunner().invoke(cli.command, list(map(str, command)), standalone_mode=False).exception is None
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b"\n")
    assert f"{name} is there already" in in_process(*command)
