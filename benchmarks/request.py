"""From a text to the bytes of one request with its pages: CPU seconds and peak memory, beside the usual way.

    python benchmarks/request.py                     # 500 pages of the novel, repeated
    python benchmarks/request.py kjv.txt             # 500 pages of each text given
    python benchmarks/request.py --pages 250 --write # and put the table into docs/chat.md

Every row is the least of some fresh processes, which have imported all that they need and rendered a short text of
other words. Time and memory begin with a `str` and end when the last byte was handed over; layout is part of them. The
usual way saves each page by PIL, puts it into base64 and a dict, and dumps the dict as JSON. With the extra `fast`, as
it works by default, compiled code draws after the first 50 pages: numba takes 110 MB and half a second, unless it was
loaded before. The rows "over a socket" send the request to a process that reads and drops it: once by
`Endpoint.complete`, once by OpenAI's client from `request.body`. "Peak" is the largest resident memory above that at
the start. One row begins with laid-out pages and lists no exact strings: it is the drawing, PNG and assembly alone.
"""

from __future__ import annotations

import argparse
import base64
import http.server
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import report
import texts
from loopback import QuietHandler

from glyphrender import Document, Theta, render
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.messages import Packing, Request
from glyphrender.models.vision import vision_model

PIL = "PIL → base64 → dict → json"
STREAMED = "`request.stream`, OpenAI"
AHEAD = "pages laid out before, no exact strings, OpenAI"
QUESTION = "What was in the beginning?"
THETA = Theta().align_to("glm-4.1v")
OTHER = "wholly unrelated matter 1234567890 " * 300


def memory(name: str) -> int:
    """Return a figure of this process in bytes: VmRSS, the resident memory, or VmHWM, its peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) * 1024


def handed_over(pieces: Iterable[bytes]) -> int:
    return sum(map(len, pieces))


def by_pil(text: str, url: str) -> int:
    """Return the bytes of a request that is made as programs without this library make it."""
    content: list[dict[str, Any]] = []
    for page in render(text, THETA):
        file = io.BytesIO()
        page.image.save(file, "PNG")
        data = base64.b64encode(file.getvalue()).decode()
        content.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
    content.append({"type": "text", "text": QUESTION})
    return len(json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}).encode())


def packed(text: str | Document, provider: str, **options: Any) -> Request:
    """Return the one request with all pages, whatever the provider's limits."""
    packing = Packing(provider=provider, model=vision_model("glm-4.1v"), send="pages", **options)
    return packing.requests(render(text, THETA) if isinstance(text, str) else text, QUESTION)[0]


def by_dict(text: str, url: str) -> int:
    body = packed(text, "openai").body
    return len(json.dumps({"model": "m", **body}, ensure_ascii=False, separators=(",", ":")).encode())


def streamed(provider: str, **more: Any) -> Callable[[Any, str], int]:
    options = {"max_images": 10**6, "max_bytes": 10**9, "cache": provider == "anthropic", **more}
    return lambda text, url: handed_over(packed(text, provider, **options).stream(model="m", max_tokens=64))


def by_endpoint(text: str, url: str) -> int:
    request = packed(text, "openai")
    Endpoint(base_url=url, model="m", retries=0).complete(request.content["messages"], stream=False, max_tokens=64)
    return request.bytes


def by_client(text: str, url: str) -> int:
    from openai import OpenAI

    request = packed(text, "openai")
    OpenAI(base_url=url, api_key="none", max_retries=0).chat.completions.create(model="m", **request.body)
    return request.bytes


def laid_out(text: str, url: str) -> int:
    """Lay out all pages, and keep them as every other way does."""
    return len(render(text, THETA)) and 0


WAYS: dict[str, Callable[[Any, str], int]] = {
    PIL: by_pil,
    "layout alone": laid_out,
    "`request.body` → json": by_dict,
    STREAMED: streamed("openai"),
    "`request.stream`, Anthropic with marks": streamed("anthropic"),
    "`request.stream`, vLLM with ids": streamed("vllm"),
    AHEAD: streamed("openai", exact=0),
    "over a socket, OpenAI's client": by_client,
    "over a socket, `Endpoint.complete`": by_endpoint,
}


def measured(way: str, text: str, url: str) -> dict[str, float]:
    """Return CPU seconds, bytes and peak memory of one way in this process."""
    WAYS[way](OTHER, url)
    given: str | Document = text
    if way == AHEAD:
        given = render(text, THETA)
        len(given)  # lays out all pages
    start, began = memory("VmRSS"), time.process_time()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    size = WAYS[way](given, url)
    return {"seconds": time.process_time() - began, "bytes": size, "peak": memory("VmHWM") - start}


def serve() -> None:
    """Answer every request on loopback, dropping what it holds. The first line of the output is the port."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            left = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, 1 << 16)))
            data = json.dumps(
                {"id": "1", "object": "chat.completion", "created": 0, "model": "m",
                 "choices": [{"index": 0, "message": {"role": "assistant", "content": "It"}, "finish_reason": "stop"}]}
            ).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def rows_of(name: str, text: str, url: str, rounds: int, rasters: dict[str, str]) -> list[list[str]]:
    """Return the rows of one text, each the least of `rounds` processes, round after round."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        cases = [(raster, way) for raster in rasters for way in WAYS if raster == "skia" or way == STREAMED]
        runs: dict[tuple[str, str], list[dict[str, float]]] = {case: [] for case in cases}
        for _ in range(rounds):
            for raster, way in cases:
                command = [sys.executable, __file__, file.name, "--only", way, "--url", url]
                environment = os.environ | {"GLYPHRENDER_RASTER": raster, "OMP_NUM_THREADS": "1"}
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                runs[raster, way].append(json.loads(done.stdout))
    least = {case: {key: min(run[key] for run in each) for key in each[0]} for case, each in runs.items()}
    usual = least["skia", PIL]["seconds"]
    return [
        [
            f"{name}, {way}{rasters[raster]}",
            f"{each['bytes'] / 1e6:.1f}" if each["bytes"] else "",
            f"{each['seconds']:.2f}",
            f"{usual / each['seconds']:.1f}",
            f"{each['peak'] / 1e6:.0f}",
            f"{each['peak'] / each['bytes']:.2f}" if each["bytes"] else "",
        ]
        for (raster, way), each in least.items()
    ]


def cut(text: str, pages: int) -> str:
    """Return the text of the first pages, repeated until there are so many."""
    while True:
        ends = [page.span[1] for page in islice(render(text, THETA), pages)]
        if len(ends) == pages:
            return text[: ends[-1]]
        text += text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="TEXT", help="texts; without any, the novel")
    parser.add_argument("--pages", type=int, default=500, help="pages of each text (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each row (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/chat.md")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    if arguments.only:
        text = Path(arguments.files[0]).read_text(encoding="utf-8")
        print(json.dumps(measured(arguments.only, text, arguments.url)))
        return
    rasters = {"skia": ""}
    if find_spec("numba") is not None:
        rasters |= {"": ", extra `fast`", "numba": ", `fast` loaded before"}
    sources = {Path(file).stem: Path(file).read_text(encoding="utf-8") for file in arguments.files}
    sources = sources or {"novel": texts.novel()}
    rows: list[list[str]] = []
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        for name, text in sources.items():
            rows += rows_of(name, cut(text, arguments.pages), url, arguments.rounds, rasters)
    finally:
        server.terminate()
        server.wait()
    width, height = (round(side) for side in THETA.page_size)
    head = ["", "MB sent", "CPU s", "times as fast as PIL", "peak MB", "peak ÷ sent"]
    packages = ("skia-python", "numba", "pillow", "isal", "openai")
    how = f"{arguments.pages} pages of {width}×{height} px, the least of {arguments.rounds} processes."
    shown = f"{report.machine()} {report.versions(packages)}. {how}\n\n{report.table(head, rows)}"
    print(shown)
    if arguments.write:
        report.write("request", shown, "chat.md")


if __name__ == "__main__":
    main()
