"""Where a model server is, and the client that speaks to it (OpenAI's, extra `chat`); its secrets in no message."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Final

from glyphrender.errors import DependencyError, EndpointError

__all__ = ["NO_KEY", "Server"]

#: What servers are given that need no key; the client sends something.
NO_KEY: Final = "none"

#: Characters of a server's own message that an error repeats.
_SHOWN: Final = 300
_OPENAI: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """An OpenAI-compatible server.

    Attributes:
        base_url: by default OPENAI_BASE_URL, else OpenAI's own. It may hold a password, so it is in no repr.
        api_key: by default OPENAI_API_KEY; a server of one's own needs none. It is in no message.
        timeout: seconds in which the server must say something.
        retries: of a request that failed and may yet succeed.
    """

    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 120.0
    retries: int = 3

    @property
    def url(self) -> str:
        """Where it is, for messages."""
        # A name and password may be in it, as gateways want; the client gets them, a message never.
        return re.sub(r"//[^?#]*@", "//", self._base).partition("?")[0]

    @property
    def own(self) -> bool:
        """Whether it is OpenAI's own."""
        return self.url.removeprefix("https://").partition("/")[0] == "api.openai.com"

    @property
    def key(self) -> str | None:
        """What it is given as the key."""
        # A file or a shell may leave the end of a line on it.
        return (self.api_key or os.environ.get("OPENAI_API_KEY") or "").strip() or None

    @property
    def _base(self) -> str:
        return (self.base_url or os.environ.get("OPENAI_BASE_URL") or "").strip() or _OPENAI

    def client(self) -> Any:
        """A client of it.

        Raises:
            DependencyError: the package openai is not installed.
            EndpointError: OpenAI's own server without a key; a key that no header holds; or no URL.
        """
        try:
            from openai import OpenAI
        except ImportError as error:
            raise DependencyError("a model server needs the package openai. Install glyphrender[chat].") from error
        key = self.key
        if key is None and self.own:
            raise EndpointError(
                "no key for OpenAI's own server. Set OPENAI_API_KEY, or give the base_url of another server."
            )
        if key is not None and not (key.isascii() and key.isprintable()):
            # An HTTP header cannot hold it; libraries that say so repeat it.
            raise EndpointError("the key has characters that no key has. Set OPENAI_API_KEY anew, in plain letters.")
        try:
            return OpenAI(base_url=self._base, api_key=key or NO_KEY, timeout=self.timeout, max_retries=self.retries)
        except Exception as error:  # of the library for URLs, which is not always the same one
            raise EndpointError(
                f"base_url={self.url!r} is no URL ({type(error).__name__}). Write it as http://127.0.0.1:8000/v1."
            ) from error

    def shown(self, text: str) -> str:
        """The beginning of what the server or the client says, on a line; some repeat the key that they refuse."""
        line = " ".join(text.split())
        if (key := self.key) and key != NO_KEY:
            line = line.replace(key, "…")
        return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
