"""Numbers of processes, checked where users give them."""

from __future__ import annotations

from glyphrender.errors import DataError, shown


def checked_jobs(jobs: object, name: str = "jobs") -> int:
    """Return `jobs` if it is a number of processes.

    Raises:
        DataError: it is not an int, or less than 1. `name` is the parameter in the message.

    >>> checked_jobs(2)
    2
    """
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise DataError(f"{name}={shown(jobs)} is no number of processes. Pass an int of 1 or more.")
    return jobs
