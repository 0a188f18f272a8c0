"""The choices of a visitor, as a value that fits into a link: θ, models, prices, the page, and a short text.

A link holds the preset and the fields that differ from it, as they are written after `--set`, so a person can read it.
A text is packed into the link if it is short. Of a longer one, the link holds the digest and the length, and the studio
asks for the text again.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from glyphrender.errors import DataError, ThetaError, VisionModelError, shown
from glyphrender.models.vision import vision_model
from glyphrender.theta import PARAMETERS, Theta
from glyphrender.theta.describe import parse_value, value_text

__all__ = ["DEFAULT_MODELS", "MOST_IN_A_LINK", "MOST_MODELS", "State", "checked_models", "set_fields"]

#: The models whose figures stand side by side at first.
DEFAULT_MODELS: Final = ("glm-4.1v", "qwen3-vl", "claude-opus-5")
#: Most models side by side.
MOST_MODELS: Final = 8
#: Most characters of a packed text in a link. Browsers and servers take addresses of 8 kB.
MOST_IN_A_LINK: Final = 6_000
# A packed text may not unpack to more than this.
_MOST_UNPACKED: Final = 200_000
# Fields of the second θ have this prefix.
_OTHER: Final = "b."


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The choices of a visitor.

    Attributes:
        text: the text.
        name: name of its file; "" if it was typed.
        preset: the preset that θ was made from; "" for the defaults.
        theta: the rendering parameters.
        other: a second θ to compare with, or None.
        models: names of models, as they were chosen; the first one is the model of `fit` and of the views.
        prices: model → (dollars for a million tokens of prompt, of images), where the visitor changed them.
        page: number of the page that is shown; the first is 1.
        lost: (digest, characters) of a text that was too long for the link; None if the text is here.

    >>> state = State(text="Hello", preset="dense", theta=Theta.preset("dense").replace(dpi=96))
    >>> State.from_query(state.to_query()) == state
    True
    """

    text: str = ""
    name: str = ""
    preset: str = ""
    theta: Theta = field(default_factory=Theta)
    other: Theta | None = None
    models: tuple[str, ...] = DEFAULT_MODELS
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    page: int = 1
    lost: tuple[str, int] | None = None

    def to_query(self) -> str:
        """Return the state as the query of a URL, without "?".

        >>> State(theta=Theta(dpi=96), models=("qwen3-vl",)).to_query()
        'dpi=96&model=qwen3-vl'
        """
        pairs: list[tuple[str, str]] = [("preset", self.preset)] if self.preset else []
        pairs += _pairs(self.theta, Theta.of(self.preset or None), "")
        if self.other is not None:
            pairs += [(f"{_OTHER}theta", "1"), *_pairs(self.other, Theta(), _OTHER)]
        pairs += [("model", name) for name in self.models] if self.models != DEFAULT_MODELS else []
        pairs += [("price", f"{name}:{prompt!r}:{image!r}") for name, (prompt, image) in self.prices.items()]
        pairs += [("page", str(self.page))] if self.page != 1 else []
        pairs += [("name", self.name)] if self.name else []
        if self.lost is not None:
            pairs.append(("lost", f"{self.lost[0]}:{self.lost[1]}"))
        elif self.text:
            packed = _packed(self.text)
            if len(packed) <= MOST_IN_A_LINK:
                pairs.append(("text", packed))
            else:
                from glyphrender.studio.source import text_source

                pairs.append(("lost", f"{text_source(self.text, chats=False).digest}:{len(self.text)}"))
        return urlencode(pairs, errors="replace")  # names of files may hold what is not UTF-8

    @classmethod
    def from_query(cls, query: str | Sequence[tuple[str, str]]) -> State:
        """Return the state that a query stands for.

        Args:
            query: the query of a URL, without "?", or its (name, value) pairs.

        Raises:
            ThetaError: a preset, a field or a value of θ is not valid.
            VisionModelError: there is no model of a name, or there are too many.
            DataError: the text, a price or the page is damaged, or a name is not known.
        """
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=400) if isinstance(query, str) else query
        except ValueError as error:
            raise DataError(f"the link cannot be read ({error}). Copy it again as a whole.") from None
        values: dict[str, str] = {}
        ours: dict[str, Any] = {}
        theirs: dict[str, Any] = {}
        models: list[str] = []
        prices: dict[str, tuple[float, float]] = {}
        for name, value in pairs:
            if name == "model":
                models.append(value)
            elif name == "price":
                key, price = _price(value)
                prices[key] = price
            elif name in _PLAIN:
                values[name] = value
            else:
                of, key = (theirs, name.removeprefix(_OTHER)) if name.startswith(_OTHER) else (ours, name)
                _put(of, key, value)
        preset = values.get("preset", "")
        return cls(
            text=_unpacked(values["text"]) if "text" in values else "",
            name=values.get("name", "")[-200:],  # the end of a long name decides what markup FILES means
            preset=preset,
            theta=Theta.of(preset or None).replace(**ours),
            other=Theta(**theirs) if f"{_OTHER}theta" in values or theirs else None,
            models=checked_models(models) or DEFAULT_MODELS,
            prices=prices,
            page=_whole(values.get("page", "1"), "page"),
            lost=_lost(values["lost"]) if "lost" in values else None,
        )


_PLAIN: Final = frozenset({"preset", "page", "name", "text", "lost", f"{_OTHER}theta"})


def checked_models(models: Sequence[str]) -> tuple[str, ...]:
    """Return names of models, each once.

    Raises:
        VisionModelError: there is no model of a name, or there are more than `MOST_MODELS`.

    >>> checked_models(["qwen3-vl", "qwen3-vl"])
    ('qwen3-vl',)
    """
    names = tuple(dict.fromkeys(models))
    if len(names) > MOST_MODELS:
        raise VisionModelError(f"{len(names)} models are given. Use at most {MOST_MODELS}.", model=names[-1])
    for name in names:
        vision_model(name)
    return names


def set_fields(theta: Theta, base: Theta) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the fields in which `theta` differs from `base`: name → text after `--set`, and the names of all others.

    A list of names cannot be written after `--set` if a name holds a comma.

    >>> set_fields(Theta(dpi=96, fallback=("a,b",)), Theta())
    ({'dpi': '96'}, ('fallback',))
    """
    written: dict[str, str] = {}
    unwritten: list[str] = []
    for name, (value, _) in theta.diff(base).items():
        text = value_text(value)
        try:
            same = parse_value(name, text) == value
        except ThetaError:
            same = False
        if same:
            written[name] = text
        else:
            unwritten.append(name)
    return written, tuple(unwritten)


def _pairs(theta: Theta, base: Theta, prefix: str) -> list[tuple[str, str]]:
    written, unwritten = set_fields(theta, base)
    values = theta.to_dict()
    pairs = [(f"{prefix}{name}", text) for name, text in written.items()]
    return pairs + [(f"{prefix}json.{name}", json.dumps(values[name])) for name in unwritten]


def _put(of: dict[str, Any], key: str, value: str) -> None:
    """Put one field of a query into the fields of a θ."""
    if key.startswith("json."):
        key = key.removeprefix("json.")
        try:
            of[key] = json.loads(value)
        except (ValueError, RecursionError):
            raise DataError(f"the link has {shown(value)} for {shown(key)}, which is no JSON. Copy it again.") from None
        return
    if key not in PARAMETERS:
        raise DataError(f"the link has the unknown name {shown(key)}. Copy it again, or leave that part out.")
    of[key] = parse_value(key, value)


def _price(value: str) -> tuple[str, tuple[float, float]]:
    try:
        name, prompt, image = value.rsplit(":", 2)
        price = float(prompt), float(image)
    except ValueError:
        raise DataError(f"price={shown(value)} is no price. Write price=MODEL:PROMPT:IMAGES.") from None
    if not all(0 <= each < math.inf for each in price):
        raise DataError(f"price={shown(value)} is no price. Use numbers of 0 or more.")
    return name, price


def _whole(value: str, name: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= len(value) <= 9 and int(value)):
        raise DataError(f"{name}={shown(value)} is not a whole number above 0. Use {name}=1.")
    return int(value)


def _lost(value: str) -> tuple[str, int]:
    digest, _, length = value.partition(":")
    if len(digest) != 16 or set(digest) - set("0123456789abcdef"):
        raise DataError(f"lost={shown(value)} is no digest of a text. Copy the link again as a whole.")
    return digest, _whole(length, "lost")


def _packed(text: str) -> str:
    data = zlib.compress(text.encode("utf-8", "surrogatepass"), 9)
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _unpacked(packed: str) -> str:
    """Return the text that `_packed` packed. A small link must not unpack into a huge text."""
    try:
        data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        unpack = zlib.decompressobj()
        text = unpack.decompress(data, 4 * _MOST_UNPACKED)
        if not unpack.eof:
            raise ValueError("it is too long or cut")
        return text.decode("utf-8", "replace")
    except (ValueError, binascii.Error, zlib.error) as error:
        raise DataError(f"the text of the link cannot be read ({error}). Copy the link again as a whole.") from None
