"""Notices for people: one-line messages on standard error, and numbers with their nouns."""

from __future__ import annotations

import click

from glyphrender.errors import one_line


def say(message: str) -> None:
    """Write `message` to standard error, as one line that begins with "glyphrender: ". Write nothing if it is empty."""
    if message:
        click.echo(one_line(f"glyphrender: {message}"), err=True)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "page"), counted(1200, "page")
    ('1 page', '1,200 pages')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
