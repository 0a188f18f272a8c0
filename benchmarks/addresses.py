"""PNG bytes and the place of the deflate stream in memory: how many addresses give other bytes than the rest.

    python benchmarks/addresses.py

Levels 1 and 2 of ISA-L (seen in 2.31.1 and 2.32.1) file the fourth byte of a stream under a hash of the stream's own
address, shifted right by 16 bits. The table has 8,192 slots, and if the slot is one that the data use, other bytes come
out. A process keeps its addresses, so one process of some thousands would write other PNGs. Here one process visits
many addresses: it makes all streams first, 82 KB apart, and then uses each once.

The same rows are compressed at once; some bytes, a flush, the others; and as `raster/png.py` does.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import report
import texts
from isal import isal_zlib
from numpy.typing import NDArray

from glyphrender import Theta, render
from glyphrender.raster import png

ROWS = 60


def at_once(lines: NDArray[np.uint8]) -> bytes:
    stream = isal_zlib.compressobj(png.LEVEL)
    return stream.compress(lines) + stream.flush()


def after(count: int) -> Callable[[NDArray[np.uint8]], bytes]:
    """Return a way to compress: `count` bytes, a flush, the other bytes."""

    def deflated(lines: NDArray[np.uint8]) -> bytes:
        data, stream = lines.data.cast("B"), isal_zlib.compressobj(png.LEVEL)
        first = stream.compress(data[:count]) + stream.flush(isal_zlib.Z_SYNC_FLUSH)
        return first + stream.compress(data[count:]) + stream.flush()

    return deflated


WAYS = {"at once": at_once, "1 byte first": after(1), "300 bytes first": after(300), "png.py": png.deflated}


def pages() -> dict[str, NDArray[np.uint8]]:
    """Return rows of pages as PNG stores them, each row after its filter byte."""
    novel = texts.novel()[:6000]
    dark = Theta.preset("dense").replace(page_bg_color="#101820", font_color="#E6E6E6")
    shown = {
        "a margin first": render(novel)[0].array[:ROWS],
        "text in the first row": render(novel, Theta(margin_x=0, margin_y=0))[0].array[3 : 3 + ROWS],
        "dark": render(novel, dark)[0].array[:ROWS],
        "noise": np.random.default_rng(5).integers(0, 3, (ROWS, 50)).astype(np.uint8) * 16,
    }
    return {
        name: np.ascontiguousarray(np.insert(pixels.reshape(len(pixels), -1), 0, 0, axis=1))
        for name, pixels in shown.items()
    }


def main() -> None:
    """Compress the pages at every address, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", type=int, default=16_384)
    count = parser.parse_args().addresses
    make, table = isal_zlib.compressobj, []
    for page, lines in pages().items():
        for way, deflated in WAYS.items():
            streams: list[Any] = [make(png.LEVEL) for _ in range(count)]
            places = len({id(stream) >> 16 for stream in streams})
            isal_zlib.compressobj = lambda level, streams=streams: streams.pop()
            start = time.process_time()
            found = Counter(hashlib.sha256(deflated(lines)).digest() for _ in range(count))
            each = f"{1e3 * (time.process_time() - start) / count:.3f}"
            isal_zlib.compressobj = make
            size = f"{len(deflated(lines)):,}"
            table.append([f"{page}, {way}", f"{places:,}", count - max(found.values()), size, each])
    print(f"{report.machine()} {report.versions(('isal',))}. {ROWS} rows of a page.\n")
    print(report.table(["", "addresses", "with other bytes", "bytes", "CPU ms"], table))


if __name__ == "__main__":
    main()
