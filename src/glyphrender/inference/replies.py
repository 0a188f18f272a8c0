"""A store of paid replies. A question that was asked before costs nothing, and budgets hold across restarts.

The store is one SQLite file, which processes and threads share. Each request is recorded before it is sent. So several
processes together never send more requests than the budget allows, even after an interruption. A reply is in the file
as soon as it has arrived.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

from glyphrender._system.paths import path_of
from glyphrender.errors import BudgetSpent, DataError
from glyphrender.inference.endpoint import Reply
from glyphrender.inference.tool_calls import ToolCall

__all__ = ["Replies", "RequestBudget", "Spent", "reply_key"]

# A row without a reply is a request that was sent and not answered yet, or one whose process was killed.
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS reply (key TEXT PRIMARY KEY, tokens INTEGER NOT NULL, reply TEXT, about TEXT, "
    "dollars REAL NOT NULL DEFAULT 0)"
)
_ADD_DOLLARS: Final = "ALTER TABLE reply ADD COLUMN dollars REAL NOT NULL DEFAULT 0"
# An existing row stays: another process may have sent the same request and have the reply by now. Its dollars are those
# of requests that were sent; what is reserved comes on top.
_RESERVE: Final = """
INSERT INTO reply (key, tokens, dollars) VALUES (?, 0, ?)
ON CONFLICT (key) DO UPDATE SET dollars = dollars + excluded.dollars
"""
_PUT: Final = """
INSERT INTO reply (key, tokens, reply, about, dollars) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET tokens = tokens + excluded.tokens, reply = excluded.reply, about = excluded.about,
dollars = max(0, dollars - ?) + excluded.dollars
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestBudget:
    """Limits on the requests, tokens and dollars of all runs that share a file. None means no limit.

    Attributes:
        requests: most requests to a model.
        tokens: most tokens of prompts and answers. The total may be higher, because requests that were sent before the
            limit was reached still finish.
        dollars: most dollars. The most that a request may cost is reserved before it is sent, so the total stays within
            the limit if that bound holds. The bound of a request whose process was killed stays reserved.
    """

    requests: int | None = None
    tokens: int | None = None
    dollars: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """Requests, tokens and dollars that were spent.

    Attributes:
        requests: requests that were sent, with or without a reply.
        tokens: tokens that were counted.
        dollars: what requests cost, and the bounds of those without a reply.
    """

    requests: int
    tokens: int
    dollars: float = 0.0

    def exceeds(self, budget: RequestBudget, *, dollars: float = 0.0) -> str | None:
        """Return the limit of `budget` that is reached, in words, or None.

        Args:
            budget: the limits.
            dollars: the most that the next request may cost.

        >>> Spent(requests=20, tokens=140).exceeds(RequestBudget(requests=20))
        '20 of 20 requests are spent'
        """
        for name, limit in (("requests", budget.requests), ("tokens", budget.tokens)):
            if limit is not None and getattr(self, name) >= limit:
                return f"{getattr(self, name)} of {limit} {name} are spent"
        most = budget.dollars
        if most is not None and (self.dollars >= most or self.dollars + dollars > most):
            another = f", and the next request may cost {dollars:.4g}" if self.dollars < most else ""
            return f"{self.dollars:.4g} of {most:.4g} dollars are spent{another}"
        return None


class Replies:
    """The replies in one file, by key.

    Attributes:
        path: the file. It is created when the first request is recorded, for its owner alone: replies may hold what
            documents hold.

    Raises:
        DataError: the file cannot be written, or is no such file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path_of(path, "Name a file for the replies.")
        self._has_dollars = False
        if self.path.exists() and not self.path.is_file():
            raise self._unusable("it is no regular file")
        if self.path.exists() and self.path.stat().st_size:
            self._check()

    def _check(self) -> None:
        """Refuse a file that is no store of replies, and change nothing in it."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as db:
                tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        if not tables <= {"reply"}:
            raise self._unusable(f"it has a table {min(tables - {'reply'})!r}")

    def _unusable(self, reason: object) -> DataError:
        return DataError(f"{self.path} cannot be used for replies ({reason}). Name another file.", path=self.path)

    def __repr__(self) -> str:
        return f"Replies({str(self.path)!r})"

    def get(self, key: str) -> Reply | None:
        """Return the reply of this key, or None."""
        with self._open() as db:
            found = db.execute("SELECT reply FROM reply WHERE key = ? AND reply IS NOT NULL", [key]).fetchone()
        return _from_record(json.loads(found[0])) if found else None

    def reserve(self, key: str, budget: RequestBudget, *, dollars: float = 0.0) -> None:
        """Record that a request is about to be sent.

        Args:
            key: the key of its reply.
            budget: the limits.
            dollars: the most that the request may cost. Give the same to `put` or `release`, as `reserved`.

        Raises:
            BudgetSpent: a limit is reached.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            if reached := self._spent(db).exceeds(budget, dollars=dollars):
                raise BudgetSpent(f"{reached} ({self.path}). Raise the budget and resume.")
            db.execute(_RESERVE, [key, dollars])

    @contextmanager
    def reserved(self, key: str, budget: RequestBudget, *, dollars: float = 0.0) -> Iterator[None]:
        """Reserve a request while it is sent; an error inside releases it. The arguments are those of `reserve`.

        Raises:
            BudgetSpent: a limit is reached.
        """
        self.reserve(key, budget, dollars=dollars)
        try:
            yield
        except BaseException:
            self.release(key, reserved=dollars)
            raise

    def put(
        self, key: str, reply: Reply, about: Mapping[str, Any], *, dollars: float = 0.0, reserved: float = 0.0
    ) -> None:
        """Store `reply`, with facts `about` it that a person may want to read. Unknown token counts count as 0.

        Args:
            key: the key of the reply.
            reply: the reply.
            about: facts as JSON values.
            dollars: what the request cost.
            reserved: what was reserved for the request.
        """
        facts = json.dumps(dict(about), ensure_ascii=False)
        row = [key, reply.tokens or 0, json.dumps(_record(reply)), facts, dollars, reserved]
        with self._open() as db:
            # An UPDATE alone is not enough: if another process sent the same request and failed, it has deleted the
            # row.
            db.execute(_PUT, row)

    def release(self, key: str, *, reserved: float = 0.0) -> None:
        """Delete a reservation, because the server did not serve the request. `reserved` is as in `put`."""
        with self._open() as db:
            db.execute("DELETE FROM reply WHERE key = ? AND reply IS NULL", [key])
            if reserved:  # another process has the reply of the same request
                db.execute("UPDATE reply SET dollars = max(0, dollars - ?) WHERE key = ?", [reserved, key])

    def answered(self, model: str) -> bool:
        """Return whether the file has a reply whose `about` names this model under the key "model"; see `put`."""
        # In JSON, a quotation mark inside a string has a backslash before it. So this text can only be a key and its
        # value.
        wanted = f'"model": {json.dumps(model, ensure_ascii=False)}'
        with self._open() as db:
            found = db.execute("SELECT 1 FROM reply WHERE reply IS NOT NULL AND instr(about, ?) LIMIT 1", [wanted])
            return found.fetchone() is not None

    @property
    def spent(self) -> Spent:
        """Return the number of all requests in the file, their tokens, and what they cost."""
        with self._open() as db:
            return self._spent(db)

    def _add_dollars(self, db: sqlite3.Connection) -> None:
        """Add the column to a file that was made before dollars were kept."""
        if not self._has_dollars:
            if "dollars" not in {row[1] for row in db.execute("PRAGMA table_info(reply)")}:
                with suppress(sqlite3.OperationalError):  # another process has added it meanwhile
                    db.execute(_ADD_DOLLARS)
            self._has_dollars = True

    @staticmethod
    def _spent(db: sqlite3.Connection) -> Spent:
        counts = "SELECT count(*), coalesce(sum(tokens), 0), coalesce(sum(dollars), 0) FROM reply"
        requests, tokens, dollars = db.execute(counts).fetchone()
        return Spent(requests=requests, tokens=tokens, dollars=dollars)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open one transaction, with its own connection (0.1 ms). Threads and forks may not share a connection."""
        try:
            if not self.path.exists():
                # SQLite gives its journal the mode of the file. A file that is there keeps its mode.
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(self.path, timeout=60)) as db, db:
                db.execute(_TABLE)
                self._add_dollars(db)
                yield db
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error


def reply_key(*parts: Any) -> str:
    """Return the key of a reply: the SHA-256, in hex, of the JSON values that decide the reply.

    >>> reply_key("model", {"b": 1, "a": 2}) == reply_key("model", {"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()


# The record in the file is older than the field names of `Reply`: "finish" stands for `finish_reason`. An
# unknown count is 0. No prompt has 0 tokens, but an empty reply has: beside the count of a prompt, 0 tokens of a reply
# are a count, and an unknown one is null. "cached_tokens" is present only if it is known, "reasoning" and "calls" only
# if they are not empty.


def _record(reply: Reply) -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": reply.text,
        "prompt_tokens": reply.prompt_tokens or 0,
        "completion_tokens": reply.completion_tokens if reply.prompt_tokens else reply.completion_tokens or 0,
        "finish": reply.finish_reason,
    }
    if reply.cached_tokens is not None:
        record["cached_tokens"] = reply.cached_tokens
    if reply.reasoning:
        record["reasoning"] = reply.reasoning
    if reply.calls:
        record["calls"] = [call.to_dict() for call in reply.calls]
    return record


def _from_record(record: Mapping[str, Any]) -> Reply:
    prompt, completion = record.get("prompt_tokens") or None, record.get("completion_tokens")
    return Reply(
        text=record["text"],
        prompt_tokens=prompt,
        completion_tokens=completion if prompt is not None else completion or None,
        cached_tokens=record.get("cached_tokens"),
        finish_reason=record.get("finish"),
        reasoning=record.get("reasoning", ""),
        calls=tuple(map(ToolCall.from_dict, record.get("calls", ()))),
    )
