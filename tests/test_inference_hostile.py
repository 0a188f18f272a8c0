"""A hostile server: each answer ends, as a reply or as an error of one line, and nothing secret is said or sent."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hostile_server
import pytest
from hostile_server import KEY, MODELS, MODES, PASSWORD, REDIRECTS, SECRETS, USER, Hostile
from hypothesis import given
from hypothesis import strategies as st
from test_cli import environment, run

from glyphrender import EndpointError
from glyphrender.errors import DataError, RequestRefused
from glyphrender.inference.chat import Endpoint, Packing, Reply, ask
from glyphrender.inference.events import events
from glyphrender.inference.masking import masked
from glyphrender.inference.replies import Replies, RequestBudget
from glyphrender.search.journal import Journal

pytestmark = pytest.mark.slow

ASKED = [{"role": "user", "content": "Hi"}]

#: Whole answers, however oddly they are said.
WHOLE = {
    **dict.fromkeys(("good", "no-done", "no-reason", "bad-utf8", "carriage-returns", "odd-usage", "usage-is-text",
                     "two-choices", "byte-order-mark", "reason-is-the-word-null", "refusal", "same-origin-redirect",
                     "pings-after-the-end"), "ok"),
    **dict.fromkeys(("lone-surrogate", "invalid-utf8"), "ok �"), "escapes": "\x1b]52;c;ZXZpbA==\x07 ok \x1b[31m",
}  # fmt: skip
#: Answers that are not whole: their `finish_reason`.
CUT = {
    "cut-off": "broken off", "half-a-line": "broken off", "half-a-mark": "broken off", "length": "length",
    "length-and-stop": "length",
    "content-filter": "content_filter", "tool-calls": "tool_calls", "aborted": "abort",
}  # fmt: skip
#: Modes that only the clock ends.
ENDLESS = (
    "endless-drip-of-text", "pings", "empty-deltas", "drip", "slow-head", "slow-headers", "informational", "slow-body",
    "slow-error", "slow-chunks", "silent", "stalled-error", "stalled-answer", "models-slow-head", "models-slow",
)  # fmt: skip
#: What the message of some errors says. The others need only be errors.
SAID = {
    "endless": "sent more than the 3,145,728 bytes", "huge-line": "sent more than", "huge-json": "sent more than",
    "models-too-many": "sent more than the 8,388,608 bytes", "models-endless": "sent more than",
    "models-many": "serves 300000 models",
    **dict.fromkeys(ENDLESS, "did not finish its answer in|said nothing for|failed with status 500"),
    **dict.fromkeys(("gzip-bomb", "gzip-bomb-error", "brotli", "zstd", "models-bomb"), "compressed its answer"),
    "deep-json": "nested too deeply", "models-deep": "nested too deeply",
    "wrong-content": "content is int", "wrong-reason": "finish_reason is int", "choices-are-text": "choices is str",
    "nulls": "a chunk is null", "delta-is-a-list": "delta is list", "models-text": "the list of models is no list",
    "huge-error": "status 400", "error-in-the-stream": "worker died", "anthropic-error": "Overloaded",
    "short-body": "broke off its answer", "bad-chunks": "broke off its answer", "models-elsewhere": "another server",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with hostile_server.serving() as state:
        yield state


def complete(server: Hostile, mode: str, *, user: bool = False, stream: bool = True) -> Reply:
    timeout, deadline = (0.3, 0.7) if mode in ENDLESS else (60.0, 120.0)
    if mode == "pings-after-the-end":
        deadline = 2.0
    endpoint = Endpoint(
        model="" if mode in MODELS else "m", base_url=server.url(mode, user=user), api_key=KEY, retries=1,
        timeout=timeout, deadline=deadline,
    )  # fmt: skip
    return endpoint.complete(ASKED, stream=stream)


@pytest.mark.parametrize("mode", WHOLE)
def test_an_odd_answer_is_whole(server: Hostile, mode: str) -> None:
    reply = complete(server, mode)
    assert (reply.text, reply.cut, reply.prompt_tokens, reply.cached_tokens) == (WHOLE[mode], False, None, None)


@pytest.mark.parametrize("mode", CUT)
def test_an_answer_that_is_not_whole_says_so(server: Hostile, mode: str) -> None:
    reply = complete(server, mode)
    assert (reply.cut, reply.finish_reason) == (True, CUT[mode])


@pytest.mark.parametrize(
    "mode", [name for name in {**MODES, **MODELS} if name not in {*WHOLE, *CUT, "caught", "empty"}]
)
def test_every_other_answer_is_an_error_of_one_line(server: Hostile, mode: str) -> None:
    if mode == "models-odd":
        pytest.skip("its one name is a name")
    before, caught = len(server.outlasted), [each for each in server.got if each[0] == "caught"]
    with pytest.raises(EndpointError, match=SAID.get(mode, ".")) as raised:
        complete(server, mode)
    assert str(raised.value).isprintable()
    assert raised.value.__cause__ is None  # a traceback would print the causes, which may repeat the key
    assert not any(secret.lower() in str(raised.value).lower() for secret in SECRETS)
    assert [each for each in server.got if each[0] == "caught"] == caught
    assert len(server.outlasted) == before


@pytest.mark.parametrize(
    "mode", ["slow-body", "huge-json", "deep-json-error", "gzip-bomb", "echo-forms", "stalled-error"]
)
def test_what_holds_for_streams_holds_for_plain_bodies(server: Hostile, mode: str) -> None:
    with pytest.raises(EndpointError, match=SAID.get(mode, ".")) as raised:
        complete(server, mode, stream=False)
    assert not any(secret.lower() in str(raised.value).lower() for secret in SECRETS)


@pytest.mark.parametrize("mode", REDIRECTS)
def test_a_redirect_to_another_origin_or_to_a_get_is_refused(server: Hostile, mode: str) -> None:
    with pytest.raises(EndpointError, match=r"redirects (to another server|with status 30\d, which drops)"):
        complete(server, mode)


@pytest.mark.parametrize("mode", [name for name in MODES if name.startswith("echo")])
def test_user_and_password_of_the_address_are_sent_and_never_said(server: Hostile, mode: str) -> None:
    with pytest.raises(EndpointError) as raised:
        complete(server, mode, user=True)
    assert server.got[-1][2].startswith("Basic ")
    for secret in (*SECRETS, "WORD/1", "gateway"):
        assert secret.lower() not in str(raised.value).lower()


def test_the_error_of_a_status_is_told_though_its_body_stalls(server: Hostile) -> None:
    endpoint = Endpoint(model="m", base_url=server.url("stalled-error"), timeout=1.0, deadline=60, retries=0)
    with pytest.raises(EndpointError, match="failed with status 500"):
        endpoint.complete(ASKED)


def test_retries_end_at_the_deadline(server: Hostile) -> None:
    endpoint = Endpoint(model="m", base_url=server.url("retry-soon"), timeout=60, deadline=2.0, retries=1000)
    # The first stands after a pause, the second if the deadline falls into a request.
    with pytest.raises(EndpointError, match=r"takes no more requests now|did not finish its answer in 2 s"):
        endpoint.complete(ASKED)


def test_a_document_with_lone_surrogates_can_be_asked_about(server: Hostile) -> None:
    endpoint = Endpoint(model="m", base_url=server.url("good"), max_tokens=5)
    assert ask("Order \ud800 8841.", "Which\udfff?", endpoint, Packing(send="text", context=9999)).text == "ok"


def test_memory_stays_bounded_whatever_is_sent(server: Hostile) -> None:
    """300 MB lines, 200 MB of JSON, bombs and endless text: a process that asks for all of them takes 64 MB more."""
    modes = ("endless", "huge-line", "huge-json", "huge-head", "huge-error", "gzip-bomb", "models-endless")
    program = (
        "import resource, sys\n"
        "from glyphrender.inference.chat import Endpoint\n"
        "from glyphrender import EndpointError\n"
        "def ask(url):\n"
        "    try: Endpoint(model='m' * ('models' not in url), base_url=url, timeout=60, retries=0).complete([])\n"
        "    except EndpointError: pass\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10\n"
        "ask(sys.argv[1])\n"
        "before = peak()\n"
        "for url in sys.argv[2:]: ask(url)\n"
        "print(peak() - before)"
    )
    urls = [server.url(mode) for mode in ("good", *modes)]
    done = subprocess.run([sys.executable, "-c", program, *urls], capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64


# -- the command line --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("cut-off", "the server broke off in the middle of it"),
        ("content-filter", "finish_reason='content_filter'"),
        ("empty", "the answer is empty"),
    ],
)
def test_ask_says_that_an_answer_is_not_whole_and_fails(server: Hostile, tmp_path: Path, mode: str, said: str) -> None:
    (tmp_path / "a.txt").write_text("The order is 8841-2207.")
    options = ("--base-url", server.url(mode), "--model", "m", "--send", "text", "--context", "9999")
    result = run("ask", "a.txt", "Which?", *options, cwd=tmp_path)
    assert result.returncode == 1
    assert said in result.stderr


def test_control_characters_of_an_answer_do_not_reach_the_terminal(server: Hostile, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The order is 8841-2207.")
    options = ("--base-url", server.url("escapes"), "--model", "m", "--send", "text", "--context", "9999")
    result = run("ask", "a.txt", "Which?", *options, cwd=tmp_path)
    assert result.stdout == "\\x1b]52;c;ZXZpbA==\\x07 ok \\x1b[31m\n"


# -- secrets -----------------------------------------------------------------------------------------


@given(
    secret=st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=8, max_size=60),
    before=st.text(max_size=20), after=st.text(max_size=20), cut=st.integers(0, 60),
)  # fmt: skip
def test_no_eight_characters_of_a_secret_are_left(secret: str, before: str, after: str, cut: int) -> None:
    said = masked(f"{before}{secret[:cut]} {secret[cut:]}{after}", [secret]).lower()
    assert not any(secret[at : at + 8].lower() in said for at in range(len(secret) - 7))


def test_messages_keep_what_is_not_secret() -> None:
    secrets = [KEY, USER, PASSWORD, "me"]
    assert (
        masked("no model m in the time, try some other name", secrets) == "no model m in the time, try some other name"
    )
    assert masked("user me is unknown", secrets) == "user … is unknown"


def test_stores_and_journals_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        replies = Replies(tmp_path / "replies.sqlite")
        replies.reserve("a", RequestBudget())
        with sqlite3.connect(replies.path) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("INSERT INTO reply (key, tokens) VALUES ('b', 1)")
            db.commit()
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        db.close()
        Journal(tmp_path / "journal.jsonl", {}, resume=False).close()
    finally:
        os.umask(old)
    assert modes == dict.fromkeys(("replies.sqlite", "replies.sqlite-wal", "replies.sqlite-shm"), 0o600)
    assert stat.S_IMODE((tmp_path / "journal.jsonl").stat().st_mode) == 0o600


def test_a_store_that_cannot_be_made_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be used for replies"):
        Replies(tmp_path / "none/replies.sqlite").reserve("a", RequestBudget())


# -- events ------------------------------------------------------------------------------------------


@given(data=st.lists(st.text("ab:\u2028\x85 é", min_size=1, max_size=9), max_size=5), cuts=st.lists(st.integers(1, 7)))
def test_events_do_not_depend_on_how_their_bytes_arrive(data: list[str], cuts: list[int]) -> None:
    whole = b"".join(f": ping\r\ndata: {each}\r\n\n".encode() for each in data)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(whole[at : at + cut])
        at += cut
    assert [event.data for event in events([*pieces, whole[at:]])] == data


def test_a_request_that_is_refused_stays_one(server: Hostile) -> None:
    with pytest.raises(RequestRefused):
        complete(server, "escapes-error")
