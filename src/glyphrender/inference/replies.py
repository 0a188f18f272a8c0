"""Replies that were paid for, on disk: asked again, they cost nothing, and what was spent outlives any interruption.

One SQLite file, which processes and threads share. A request is written down before it is sent, so a budget is kept to
the request, by several processes and over restarts; a reply stands in the file as soon as it is there.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glyphrender.errors import BudgetSpent, DataError
from glyphrender.inference.judge_endpoint import Reply

__all__ = ["Replies", "RequestBudget", "Spent", "key_of"]


# A row without a reply is a request that was sent and not answered yet, or cut off with its process.
_TABLE = "CREATE TABLE IF NOT EXISTS reply (key TEXT PRIMARY KEY, tokens INTEGER NOT NULL, reply TEXT, about TEXT)"
_PUT = """
INSERT INTO reply (key, tokens, reply, about) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET tokens = tokens + excluded.tokens, reply = excluded.reply, about = excluded.about
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestBudget:
    """What may be spent, in all the runs that share a file; None is no limit.

    Attributes:
        requests: sent to a model.
        tokens: of prompts and completions. Requests under way when it is reached are paid for all the same.
    """

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What was spent: requests, those without a reply included, and the tokens that the server counted."""

    requests: int
    tokens: int

    def exceeds(self, budget: RequestBudget) -> str | None:
        """Which limit of `budget` is reached, in words."""
        for name, limit in (("requests", budget.requests), ("tokens", budget.tokens)):
            if limit is not None and getattr(self, name) >= limit:
                return f"{getattr(self, name)} of {limit} {name}"
        return None


class Replies:
    """The replies in one file, by key.

    Raises:
        DataError: the file cannot be written, or is no such file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.exists():  # else it is made when there is something to keep
            _ = self.spent

    def get(self, key: str) -> Reply | None:
        """The reply of this key, if it is there."""
        with self._open() as db:
            found = db.execute("SELECT reply FROM reply WHERE key = ? AND reply IS NOT NULL", [key]).fetchone()
        return Reply(**json.loads(found[0])) if found else None

    def reserve(self, key: str, budget: RequestBudget) -> None:
        """Write down that a request is about to be sent.

        Raises:
            BudgetSpent: a limit is reached.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            if reached := self._spent(db).exceeds(budget):
                raise BudgetSpent(f"{reached} are spent ({self.path}). Raise the budget and resume.")
            # What is there stays: another process may have asked the same, and have its reply by now.
            db.execute("INSERT OR IGNORE INTO reply (key, tokens) VALUES (?, 0)", [key])

    def put(self, key: str, reply: Reply, about: dict[str, Any]) -> None:
        """Keep `reply`, with what a person would want to know `about` it."""
        row = [key, reply.tokens, json.dumps(asdict(reply)), json.dumps(about, ensure_ascii=False)]
        with self._open() as db:
            # Not UPDATE alone: who asked the same and failed has taken back the reservation of both.
            db.execute(_PUT, row)

    def release(self, key: str) -> None:
        """Take back a reservation: the server did not serve the request."""
        with self._open() as db:
            db.execute("DELETE FROM reply WHERE key = ? AND reply IS NULL", [key])

    def answered(self, model: str) -> bool:
        """Whether there is a reply of this model: of what its `about` has as "model"."""
        # In JSON a quotation mark inside a string has a backslash before it, so this is found as a key alone.
        told = f'"model": {json.dumps(model, ensure_ascii=False)}'
        with self._open() as db:
            found = db.execute("SELECT 1 FROM reply WHERE reply IS NOT NULL AND instr(about, ?) LIMIT 1", [told])
            return found.fetchone() is not None

    @property
    def spent(self) -> Spent:
        """What was spent on all that is in the file."""
        with self._open() as db:
            return self._spent(db)

    @staticmethod
    def _spent(db: sqlite3.Connection) -> Spent:
        requests, tokens = db.execute("SELECT count(*), coalesce(sum(tokens), 0) FROM reply").fetchone()
        return Spent(requests=requests, tokens=tokens)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction. A connection for each: they may not cross threads or forks, and one takes 0.1 ms."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as db, db:
                db.execute(_TABLE)
                yield db
        except sqlite3.Error as error:
            raise DataError(f"{self.path} cannot be used for replies ({error}). Name another file.") from error


def key_of(*parts: Any) -> str:
    """SHA-256 in hex of JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()
