"""The studio as a space: it listens on all addresses of its container, and may be shown in a frame of the hub."""

from __future__ import annotations

import os

from glyphrender.studio.serving import PORT, serve

if __name__ == "__main__":
    serve(
        host="0.0.0.0",
        port=int(os.environ.get("PORT", PORT)),
        embedded=True,
        ready=lambda address: print(address, flush=True),
    )
