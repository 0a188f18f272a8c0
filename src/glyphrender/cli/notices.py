"""Notices for people: one-line messages on standard error."""

from __future__ import annotations

import click

from glyphrender.errors import one_line


def say(message: str) -> None:
    """Write `message` to standard error, as one line that begins with "glyphrender: ". Write nothing if it is empty."""
    if message:
        click.echo(one_line(f"glyphrender: {message}"), err=True)
