"""The command line. Each command is one module of this package, imported when it is called.

A command's module has the name of the command, and defines a function `command`. The other modules are:

    options.py, inputs.py             options and input files that commands share
    model_options.py, evaluator.py    options of `search` that name models and evaluators
    installation.py                   which parts of the installation work, for `doctor`
    eval_plan.py, eval_efficiency.py  tables of `eval` that need no answers, and its command `efficiency`
    search_progress.py                how far a search is
    notices.py                        messages on standard error

`glyphrender --help` reads the table below and imports no command, so it takes only 0.1 s. Only `CommandGroup.main`
turns errors into one line on stderr and an exit status:

    0         done
    1         a failure: the disk is full, a process was killed, a server or a library is missing, a bug
    2         the user's mistake: a bad value, an unreadable file, a page on which no line fits
    130, 143  interrupted, terminated (129 if the terminal is closed); a document is either complete or not there
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from glyphrender._system.termination import exit_on
from glyphrender._system.version import __version__
from glyphrender.cli.notices import say
from glyphrender.errors import DependencyError, EndpointError, GlyphRenderError, ResourceError, TrainingError

COMMANDS: Mapping[str, str] = {
    "render": "Typeset text into page images.",
    "corpus": "Render corpora of texts into shards of page images.",
    "show": "Make one HTML file to look at pages in a browser.",
    "studio": "Open the studio: text, pages and figures in the browser while θ moves.",
    "ratio": "Print the compression ratio: text tokens for one visual token.",
    "fit": "Solve the parameters for a target ratio, or for a budget of tokens or pages.",
    "propose": "Propose rendering parameters for a text: presets, flows and columns compared.",
    "search": "Search the rendering parameters that read best for a visual token.",
    "ask": "Ask a model about texts, sent to it as pages.",
    "doctor": "Find what is wrong with a model server before pages are sent to it.",
    "profile": "Measure what a model reads on pages, at which size of type.",
    "train": "Train a vision-language model to read pages, by a recipe.",
    "export": "Write chats with long contexts as rows with pages for a trainer.",
    "lint": "Tell at which size a trainer shows the pages of an export.",
    "eval": "Measure a model on a benchmark: accuracy beside ρ, pages beside plain text.",
    "distill": "Keep a model's own right answers to texts, as targets of its answers to pages.",
    "bench": "Compare compression ratios over texts, parameters and models.",
    "models": "List the vision models by family, and the prices that are known.",
    "fonts": "List the fonts, or which of them draw a text.",
    "theta": "Look at, check and convert rendering parameters.",
}
"""Commands in the order of `--help`. Each has its line of the help: the first line of the command's docstring."""

# Errors that the user did not cause: the disk is full or fails, or the machine has run out of a resource.
_FAILURES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


class CommandGroup(click.Group):
    """A group of commands that reports errors in one line. Without arguments, the group shows its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:  # noqa: D102
        return super().parse_args(ctx, args or ["--help"])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # caught here, because click would write an empty line
            raise click.exceptions.Exit(128 + signal.SIGINT) from None

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:  # noqa: D102
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        try:
            # With standalone_mode off, click returns the value of the command, or the status of an early exit.
            result = super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
            status = result if isinstance(result, int) else 0
        except click.Abort:
            status = 128 + signal.SIGINT
        except Exception as error:
            status, message = _status_and_message(error)
            say(message)
            if os.environ.get("GLYPHRENDER_DEBUG"):
                raise
        sys.exit(status)


class Commands(CommandGroup):
    """The group of the commands in `COMMANDS`. Each command comes from the module of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"glyphrender.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="glyphrender", message="%(prog)s %(version)s")
@click.option(
    "-v", "--verbose", count=True, help="Tell on stderr what is chosen and done, such as fonts; -vv tells each step."
)
def command(verbose: int) -> None:
    """Typeset text into page images for vision-language models."""
    if verbose:
        import logging  # takes 5 ms of a cold start

        logging.basicConfig(format="%(name)s: %(message)s")  # to stderr
        logging.getLogger("glyphrender").setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


def main() -> NoReturn:
    """Run the console script `glyphrender`."""
    _open_closed_streams()
    # A console without Greek letters gets \u03b8 for θ; a file name that is not UTF-8 is shown with \udcff.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    exit_on([signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
    command(prog_name="glyphrender")
    raise AssertionError("click has exited")


def _status_and_message(error: Exception) -> tuple[int, str]:
    """Return the exit status and the message of an error."""
    match error:
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "glyphrender"
            message = " ".join(error.format_message().split())
            return 2, f"{message.rstrip('.')}. See {where} --help."
        case click.ClickException():
            return 2, error.format_message()
        case DependencyError() | EndpointError() | ResourceError() | TrainingError():
            return 1, str(error)
        case GlyphRenderError():
            cause = error.__cause__
            failed = isinstance(cause, ChildProcessError | MemoryError) or (
                isinstance(cause, OSError) and cause.errno in _FAILURES
            )
            return 1 if failed else 2, str(error)
        case OSError():
            _discard_stdout()
            if error.filename is None and error.errno == errno.EBADF:
                return 1, "standard output is closed. Redirect it, as in > /dev/null."
            return 1, f"{error.filename or 'standard output'} failed ({error.strerror or error})."
        case ImportError():
            return 1, f"a library cannot be loaded ({error}). Free memory, or reinstall glyphrender."
        case MemoryError():
            return 1, "out of memory. Use fewer --jobs, or smaller pages."
        case _:
            bug = f"{type(error).__name__}: {error}"
            return 1, f"a bug ({bug}). Please report it, with what GLYPHRENDER_DEBUG=1 shows."


def _discard_stdout() -> None:
    """Discard the text in the buffer of stdout. Otherwise the flush at exit would fail again, with a traceback."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass


def _open_closed_streams() -> None:
    """Give each closed standard stream a descriptor. Otherwise the next file that is opened would take its number.

    Writing to a closed standard output still fails: a caller must not take a lost answer for an empty one. If standard
    input is closed, `sys.stdin` stays None, and `inputs` refuses to read it.
    """
    for stream, name, flags in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(stream)
                continue
            os.open(os.devnull, flags)  # takes the lowest free number, which is `stream`
            if stream:
                setattr(sys, name, open(stream, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 -- until the end
