"""Messages for `logging`, at no cost for programs that do not use it.

Every message goes to the logger of its module, below "glyphrender". A program sees them after
`logging.basicConfig(level="INFO")`, and the command line with `-v`. INFO tells what was chosen and done: fonts, the
rasteriser, documents written, requests sent again. DEBUG tells each step.
"""

from __future__ import annotations

import sys


def info(module: str, message: str, *values: object) -> None:
    """Log `message % values` at level INFO to the logger `module`."""
    # Nobody can have set a handler without importing logging, and the import takes 5 ms of a cold start.
    if (logging := sys.modules.get("logging")) is not None:
        logging.getLogger(module).info(message, *values)


def debug(module: str, message: str, *values: object) -> None:
    """Log `message % values` at level DEBUG to the logger `module`."""
    if (logging := sys.modules.get("logging")) is not None:
        logging.getLogger(module).debug(message, *values)
