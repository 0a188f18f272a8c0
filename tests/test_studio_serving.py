"""The studio as a server: on loopback, without other hosts, for several visitors at once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from click.testing import CliRunner

from glyphrender import Theta, render
from glyphrender.cli.studio import command
from glyphrender.errors import DataError, ResourceError, VisionModelError
from glyphrender.studio import serving
from glyphrender.studio.fields import widget_value
from glyphrender.studio.replies import KEPT, VIEWS
from glyphrender.studio.samples import sample
from glyphrender.studio.serving import is_loopback, listening
from glyphrender.studio.sitting import AHEAD

if find_spec("gradio") is None:
    pytest.skip("the extra studio is not installed", allow_module_level=True)
pytestmark = pytest.mark.slow  # Gradio takes seconds to load


class Served:
    """A studio in a process of its own: Gradio leaves an event loop open, which pytest would take for a fault."""

    def __init__(self, folder: Path) -> None:
        (folder / "my text.txt").write_text("In the beginning was the Word.")
        program = [sys.executable, "-m", "glyphrender", "studio", "my text.txt", "--port", "0", "--set", "dpi=80"]
        self.process = subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[1]
        self.port = int(self.address.rstrip("/").rpartition(":")[2])
        self.config = json.loads(self.ask("GET", "/config")[2])

    def ask(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def call(self, name: str, session: str, values: list[Any]) -> list[Any]:
        """Call the handler of this name, as the page does, and return what it gives."""
        (number,) = {each["id"] for each in self.config["dependencies"] if each["api_name"] == name and each["inputs"]}
        body = json.dumps({"fn_index": number, "session_hash": session, "data": values}).encode()
        status, _, answer = self.ask("POST", "/gradio_api/run/predict", body, Content_Type="application/json")
        assert status == 200, answer[:500]
        found: list[Any] = json.loads(answer)["data"]
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("studio"))
    yield served
    served.stop()


def values(**changes: Any) -> list[Any]:
    """Values of all widgets; None for what the server keeps itself."""
    first: dict[str, Any] = {
        "text": sample("Prose").text,
        "held": None,
        "name": None,
        "preset": "",
        "models": ["qwen3-vl"],
        "prices": "",
        "number": 1,
        "view": VIEWS[0],
        "other": None,
        "against": KEPT,
        "follow": True,
        "sizes": None,
    }
    fields = {name: widget_value(name, value) for name, value in Theta().fields().items()}
    return list({**first, **fields, **changes}.values())


def test_two_visitors_do_not_disturb_one_another(studio: Served) -> None:
    studio.call("keep", "anna", values(font_size=12, line_height=13))
    anna = studio.call("draw_moved", "anna", [None, *values(view=VIEWS[2])])[0]
    bert = studio.call("draw_moved", "bert", [None, *values(view=VIEWS[2])])[0]
    assert "font_size 12.0" in anna
    assert "Keep a θ first" in bert
    studio.call("draw_moved", "bert", [None, *values(dpi=144)])
    few = [None, *values()[:AHEAD]]
    assert 'data-width="595"' in studio.call("draw_typed", "anna", few)[0]
    assert 'data-width="1189"' in studio.call("draw_typed", "bert", few)[0]


def test_a_keystroke_is_drawn_for_the_visitor_who_typed_and_for_no_other(studio: Served) -> None:
    drawn = {
        name: studio.call("draw_moved", name, [None, *values(dpi=dpi)])[0] for name, dpi in (("ina", 72), ("jon", 144))
    }
    sittings = {name: re.findall(r'data-sitting="([^"]{20,})"', html)[0] for name, html in drawn.items()}
    assert len(set(sittings.values())) == 2
    edit = {"version": 1, "base": None, "start": 0, "end": 0, "text": "<script>1</script> of Ina"}

    def ask(kind: str = "application/json", **changes: Any) -> tuple[int, bytes]:
        body = json.dumps({"sitting": sittings["ina"], **edit, **changes}).encode()
        status, _, answer = studio.ask("POST", "/studio/page", body, Content_Type=kind)
        return status, answer

    status, answer = ask()
    page = json.loads(answer)["page"]
    assert status == 200
    assert "&lt;script&gt;1&lt;/script&gt; of Ina" in page
    assert "<script" not in page
    assert f'data-width="{render(str(edit["text"]), Theta(dpi=72))[0].size[0]}"' in page
    status, answer = ask(version=2, base=1, start=19, end=25, text="")
    assert status == 200
    assert "of Ina" not in json.loads(answer)["page"]
    his = f'data-width="{render(str(edit["text"]), Theta(dpi=144))[0].size[0]}"'
    assert his not in page
    assert his in json.loads(ask(sitting=sittings["jon"])[1])["page"]
    assert ask(version=3, base=1)[0] == 409
    assert ask(sitting="somebody")[0] == 404
    assert ask(text=7)[0] == 400
    assert ask("text/plain")[0] == 415  # what a page of another host can send without asking
    assert ask(text="a" * 1_000_001)[0] == 413
    assert studio.ask("POST", "/studio/page", b"", Content_Length="8000001")[0] == 413
    assert "content-security-policy" in studio.ask("POST", "/studio/page", b"{}")[1]
    assert studio.ask("POST", "/studio/page", b"{}", Origin="http://evil.example")[0] == 403


def test_what_is_served_names_no_other_host(studio: Served) -> None:
    status, headers, page = studio.ask("GET", "/")
    assert status == 200
    html = page.decode()
    loaded = re.findall(r"""(?:\s(?:src|href|content)=["']|url\(["']?|@import\s+["'])(https?:)?//([^/"')]+)""", html)
    assert {host for _, host in loaded} <= {f"127.0.0.1:{studio.port}"}
    assert "fonts.googleapis" not in html
    status, _, style = studio.ask("GET", "/theme.css")
    assert status == 200
    assert not re.search(rb"https?://(?!www\.w3\.org/)|@import", style)  # names of SVG are no address
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
    scripts = re.findall(r"<script\b[^>]*>", html)
    assert scripts
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert nonce not in studio.ask("GET", "/")[2].decode()
    assert "content-security-policy" in studio.ask("GET", "/config")[1]


@pytest.mark.parametrize("path", ["/", "/other"])
def test_an_answer_keeps_all_its_headers_of_one_name(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    headers = [
        (b"content-type", b"text/html"),
        (b"content-length", b"13"),
        (b"Content-Security-Policy", b"x"),
        *cookies,
    ]

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<head></head>"})

    page = MagicMock()  # in place of Gradio
    page.mount_gradio_app.side_effect = lambda app, *_, **__: app.mount("/", answer)
    monkeypatch.setattr(serving, "gradio", lambda: page)
    monkeypatch.setattr(serving, "build", lambda settings: None)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
    asyncio.run(serving.web_app()(scope, receive, send))
    names = [name.lower() for name, _ in sent[0]["headers"]]
    assert [pair for pair in sent[0]["headers"] if pair[0] == b"set-cookie"] == cookies
    assert names.count(b"content-security-policy") == names.count(b"content-length") == 1
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(sent[1]["body"])).encode()


def test_a_server_on_loopback_answers_to_no_other_name(studio: Served) -> None:
    assert studio.ask("GET", "/", Host="evil.example")[0] == 421
    assert studio.ask("GET", "/config", Host=f"localhost:{studio.port}")[0] == 200


def test_requests_and_uploads_are_bounded(studio: Served) -> None:
    assert studio.ask("POST", "/gradio_api/run/predict", b"", Content_Length="99999999")[0] == 413
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n%s\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b"
    assert studio.ask("POST", "/gradio_api/upload", form % b"short", Content_Type=kind)[0] == 200
    assert studio.ask("POST", "/gradio_api/upload", form % (b"x" * 20_500_000), Content_Type=kind)[0] == 413
    assert studio.ask("POST", "/gradio_api/upload", iter([form % b"short"]), Content_Type=kind)[0] == 200
    assert studio.ask("POST", "/gradio_api/upload", iter([form % (b"x" * 21_500_000)]), Content_Type=kind)[0] >= 400


@pytest.mark.parametrize("event", ["open", "open_1", "open_2", "models"])
def test_a_visitor_names_no_file_of_the_server_and_no_address(studio: Served, tmp_path: Path, event: str) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhis own\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b"
    (uploaded,) = json.loads(studio.ask("POST", "/gradio_api/upload", form, Content_Type=kind)[2])
    (tmp_path / "secret.txt").write_text("of the server")
    secret = str(tmp_path / "secret.txt")
    address = f"{studio.address}config"
    named = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in (uploaded, secret, address)]
    (number,) = {each["id"] for each in studio.config["dependencies"] if each["api_name"] == event}
    for file, opens in zip(named, (True, False, False), strict=True):
        body = json.dumps({"fn_index": number, "session_hash": "eve", "data": [[file], ""]}).encode()
        status, _, answer = studio.ask("POST", "/gradio_api/run/predict", body, Content_Type="application/json")
        assert (status == 200) == opens
        assert b"of the server" not in answer
        assert (b"his own" in answer) == (opens and event != "models")
        assert (b"A web address is no upload" in answer) == (file["path"] == address)


def test_a_body_in_chunks_is_bounded_too(studio: Served) -> None:
    with socket.create_connection(("127.0.0.1", studio.port), timeout=60) as link:
        link.sendall(
            b"POST /gradio_api/run/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        with suppress(ConnectionError):  # the server closes the connection before it has read all
            for _ in range(40):
                link.sendall(b"f4240\r\n" + b"1" * 1_000_000 + b"\r\n")
        with suppress(ConnectionError):
            assert link.recv(100)[9:12] in (b"400", b"413", b"")  # a body that was read whole gets 422
    assert studio.ask("GET", "/config")[0] == 200


def test_pages_of_other_hosts_can_send_nothing(studio: Served) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
        assert studio.ask("POST", "/gradio_api/upload", b"", Origin=origin)[0] == 403
    for origin in (studio.address.rstrip("/"), "http://localhost:1", "http://[::1]:1"):
        assert studio.ask("GET", "/config", Origin=origin)[0] == 200


def test_a_wrong_value_reaches_the_field_and_no_message_of_gradio(studio: Served) -> None:
    answer = studio.call("draw_moved", "carl", [None, *values(font_size=0, alignment="ASKEW", dpi=None)])
    assert 'data-field="font_size"' in answer[1]
    assert 'data-field="alignment"' in answer[1]
    assert 'data-field="dpi"' in answer[1]


def test_a_taken_port_and_an_unknown_host_are_one_line(studio: Served) -> None:
    with pytest.raises(ResourceError, match=f"port {studio.port}"):
        listening("127.0.0.1", studio.port)
    with pytest.raises(DataError, match="host="):
        listening("no host", 0)
    assert all(map(is_loopback, ("::1", "127.0.0.2", "localhost")))
    assert not any(map(is_loopback, ("192.168.0.1", "0.0.0.0", "x")))


def test_the_command_says_its_address_and_shows_the_file(studio: Served) -> None:
    assert studio.address == f"http://127.0.0.1:{studio.port}/"
    html = studio.ask("GET", "/")[2].decode()
    assert "In the beginning was the Word." in html
    assert "my text.txt" in html


def test_wrong_options_of_the_command_are_one_line() -> None:
    with pytest.raises(VisionModelError, match="gpt-2"):
        CliRunner().invoke(command, ["--vision", "gpt-2"], catch_exceptions=False)


MAKE_SPACE = Path(__file__).parents[1] / "docs/space/make.py"


def test_a_space_is_not_made_in_the_folder_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "glyphrender").mkdir()
    mine = {name: f"my {name}" for name in ("app.py", "README.md", "requirements.txt", "glyphrender/mine.py")}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run([sys.executable, MAKE_SPACE, tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} holds something else than a space. Choose a new folder.\n"
    assert {name: (tmp_path / name).read_text() for name in mine} == mine


def test_one_command_makes_a_space_that_serves_the_studio(tmp_path: Path) -> None:
    space = tmp_path / "space"
    subprocess.run([sys.executable, MAKE_SPACE, space], check=True, capture_output=True)
    needs = (space / "requirements.txt").read_text()
    assert "gradio" in needs
    assert "tesserocr" in needs
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([sys.executable, MAKE_SPACE, tmp_path], check=True, capture_output=True)
    bound = listening("127.0.0.1", 0)
    port = bound.getsockname()[1]
    bound.close()
    environment = {**os.environ, "PORT": str(port)}
    environment.pop("PYTHONPATH", None)
    with subprocess.Popen(
        [sys.executable, "app.py"], cwd=space, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            assert str(port) in running.stdout.readline()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                assert "https://huggingface.co" in answer.headers["Content-Security-Policy"]
        finally:
            running.terminate()
