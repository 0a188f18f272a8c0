"""Count text tokens with a model's own tokenizer, for the numerator of ρ.

A tokenizer is a name (its vocabulary comes with a package of the extra `ratio`), a `tokenizer.json`, or any object that
encodes text. Texts are counted piece by piece. A text is cut only where every known pre-tokenizer begins a new token,
so the sum over the pieces is the count of the whole text. If no cut is certain, the text is held in memory and encoded
whole. Special tokens that are spelled out in the text count as text, and no special token is added.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, DependencyError, TokenizerError, shown, the_extra
from glyphrender.models.pretokenizers import PATTERNS, splits_at_cuts

__all__ = ["TOKENIZERS", "TokenCounter", "Tokenizer", "TokenizerLike", "tokenizer", "tokenizer_of"]

#: A value that `tokenizer` accepts: a name, the path of a tokenizer.json, a function from text to tokens or to their
#: number, or an object of `tokenizers`, `transformers`, `tiktoken`, `mistral_common` or a similar package.
TokenizerLike: TypeAlias = "str | os.PathLike[str] | Callable[[str], Any] | Tokenizer | Any"

# Letters of the common scripts, by range and not by category. Categories differ between Unicode versions, and a cut
# must be right in the tokenizer's version and in Python's. None of these letters composes with the letter before it.
LETTER: Final = (
    "[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0388-\u038a\u038e-\u03a1\u03a3-\u03f5\u0400-\u0481\u05d0-\u05ea"
    "\u0621-\u063a\u0641-\u064a\u0905-\u0939\u0e01-\u0e2e\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3]"
)
# A cut before a space between letters: a run of letters never holds a space, and a space joins the text after it.
_BEFORE_SPACE: Final = f"(?<={LETTER})(?= {LETTER})"
# A cut after a newline between a visible character and a letter: no token begins with a newline and continues with a
# letter. The visible character is needed because GPT-2's pattern treats the last of several spaces by what follows.
_AFTER_NEWLINE: Final = rf"(?<=[^\s]\n)(?={LETTER})"
# A cut between an ideograph and a comma or full stop. There is no cut after the comma or full stop, because it joins
# the letter that follows.
_BEFORE_STOP: Final = "(?<=[\u4e00-\u9fa5])(?=[、。，])"
_CUTS: Final = re.compile(f"{_BEFORE_SPACE}|{_AFTER_NEWLINE}|{_BEFORE_STOP}")
_SPACE_CUTS: Final = re.compile(_BEFORE_SPACE)

# A piece is cut off after this many characters. The tokens of a piece take some 0.6 MB.
PIECE: Final = 1 << 16
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")

# The counts of this many texts are kept, by digest, because a search over θ counts the same few texts many times.
_REMEMBERED: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class _Vocabulary:
    """A vocabulary of the package splintr.

    Attributes:
        key: name of the vocabulary in that package.
        about: models that use it.
        nfc: whether the model's tokenizer normalises text to NFC first. The package does not do this.
        prefix: whether a space is put before the text, as SentencePiece does for Llama 2.
    """

    key: str
    about: str
    nfc: bool = False
    prefix: bool = False


VOCABULARIES: Final[dict[str, _Vocabulary]] = {
    "glm-4": _Vocabulary(key="glm4", about="GLM-4, 4.1V, 4.5, 4.5V"),
    "qwen3": _Vocabulary(key="qwen3", about="Qwen2, 2.5 and 3, with and without VL", nfc=True),
    "llama-3": _Vocabulary(key="llama3", about="Llama 3 to 3.3"),
    "deepseek-v3": _Vocabulary(key="deepseek_v3", about="DeepSeek V3, R1"),
    "o200k": _Vocabulary(key="o200k_base", about="GPT-4o and later, gpt-oss"),
    "cl100k": _Vocabulary(key="cl100k_base", about="GPT-4, GPT-3.5"),
    "mistral-tekken": _Vocabulary(key="mistral_v3", about="Mistral NeMo, Pixtral, Mistral Small 3"),
    "gemma-3": _Vocabulary(key="gemma3", about="Gemma 3"),
    "gemma-4": _Vocabulary(key="gemma4", about="Gemma 4"),
    "kimi-k2": _Vocabulary(key="kimi_k2", about="Kimi K2"),
    "phi-4": _Vocabulary(key="phi4", about="Phi-4"),
    "llama-2": _Vocabulary(key="llama2", about="Llama 1 and 2, LLaVA 1.5", prefix=True),
}

TOKENIZERS: Final[dict[str, str]] = {name: vocabulary.about for name, vocabulary in VOCABULARIES.items()}
"""Names of the tokenizers that `tokenizer` finds, with the models that use each. They need the extra `ratio`."""

# Beginning of a vision model's name → its tokenizer. If one beginning starts with another, the longer one comes first.
# "" means that the package has no vocabulary of that model: InternVL 2.5 uses the vocabulary of InternLM, and
# LLaVA-NeXT uses one of three, which depends on its language model.
_TOKENIZER_BY_MODEL: Final = {
    "glm-ocr": "",
    "glm-": "glm-4",
    "qwen3.5": "",
    "qwen3.6": "",
    "qwen": "qwen3",
    "internvl2.5": "",
    "internvl": "qwen3",
    "deepseek-": "deepseek-v3",
    "idefics3": "llama-3",
    "llava-onevision": "qwen3",
    "pixtral": "mistral-tekken",
    "mistral-": "mistral-tekken",
    "gemma-4": "gemma-4",
    "gemma-3": "gemma-3",
    "phi-4-": "o200k",
    "gpt-6": "",
    "gpt-": "o200k",
    "o3": "o200k",
    "o4-": "o200k",
}


class Tokenizer:
    """A counter of the tokens of texts. `tokenizer` makes one.

    Attributes:
        name: name of the tokenizer, as tables show it.
    """

    def __init__(
        self,
        name: str,
        encode: Callable[[str], int | Sized],
        *,
        cuts: re.Pattern[str] | None = None,
        nfc: bool = False,
        prefix: bool = False,
    ) -> None:
        self.name = name
        self._encode, self._cuts, self._nfc, self._prefix = encode, cuts, nfc, prefix
        self._known: OrderedDict[bytes, int] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Tokenizer {self.name}>"

    @property
    def streams(self) -> bool:
        """Return whether a text may be encoded in pieces. If not, the whole text is held in memory."""
        return self._cuts is not None

    def count(self, text: str | Iterable[str]) -> int:
        """Return the number of tokens of `text`, which is whole or in parts. A lone surrogate counts as U+FFFD.

        Raises:
            TokenizerError: the tokenizer failed, or returned neither tokens nor a number.
            DataError: a part of `text` is not str.

        >>> tokenizer("glm-4").count("Hello, world!"), tokenizer(len).count("Hello, world!")
        (4, 13)
        """
        if not isinstance(text, str):
            counter = TokenCounter(self)
            for part in text:
                counter.add(part)
            return counter.total()
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest not in self._known:
            counter = TokenCounter(self)
            counter.add(text)
            self._known[digest] = counter.total()
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[digest]

    def pieces(self, text: str, *, final: bool) -> Iterator[str]:
        """Yield the pieces of `text`, cut where a token is certain to begin.

        The piece after the last cut is yielded only if `final`.
        """
        start = 0
        while len(text) - start > PIECE and self._cuts is not None:
            # Take the first cut after this many characters, not the last cut before, so that the search goes forward
            # only.
            cut = self._cuts.search(text, start + PIECE)
            if cut is None:
                break
            yield text[start : cut.start()]
            start = cut.start()
        if final:
            yield text[start:]

    def number(self, piece: str, *, first: bool) -> int:
        """Return the number of tokens of a piece. `first` says whether it is the first piece of its text."""
        if self._prefix and not first:
            piece = piece[1:]  # a later piece begins with a space, which the tokenizer adds itself
        if self._nfc:
            piece = unicodedata.normalize("NFC", piece)
        piece = _LONE_SURROGATE.sub("\ufffd", piece)
        try:
            tokens = self._encode(piece)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise TokenizerError(
                f"tokenizer={self.name} failed: {reason[:200]}. Try it on the text alone.", tokenizer=self.name
            ) from error
        # bool is an int in Python. An Encoding of `tokenizers` has a length, as a list has.
        if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0:
            return tokens
        if isinstance(tokens, Sized) and not isinstance(tokens, str | bytes | dict):
            return len(tokens)
        raise TokenizerError(
            f"tokenizer={self.name} gave {type(tokens).__name__}. "
            "Pass a function from text to tokens or to their number.",
            tokenizer=self.name,
        )


class TokenCounter:
    """A running count of the tokens of a text that comes in parts.

    If `tokenizer.streams` and the text has cuts, memory is bounded by the size of a piece.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._parts: list[str] = []
        self._held = self._tokens = 0
        # Look for cuts when this many characters are held. If there is no cut, the number doubles, so the total time is
        # linear.
        self._look = PIECE
        self._first = True

    def add(self, part: str) -> None:
        """Add the next part of the text.

        Raises:
            DataError: `part` is not str.
            TokenizerError: the tokenizer failed.
        """
        if not isinstance(part, str):
            raise DataError(f"text must be str, or give str; got {type(part).__name__}. Decode bytes first.")
        self._parts.append(part)
        self._held += len(part)
        if self._held > self._look and self._tokenizer.streams:
            text, cut = "".join(self._parts), 0
            for piece in self._tokenizer.pieces(text, final=False):
                self._count(piece)
                cut += len(piece)
            self._parts, self._held = [text[cut:]], len(text) - cut
            self._look = max(PIECE, 2 * self._held)

    def total(self) -> int:
        """Return the number of tokens of all parts. Call this once, at the end."""
        text = "".join(self._parts)
        self._parts = []
        if text:
            for piece in self._tokenizer.pieces(text, final=True):
                self._count(piece)
        return self._tokens

    def _count(self, piece: str) -> None:
        self._tokens += self._tokenizer.number(piece, first=self._first)
        self._first = False


def tokenizer(source: TokenizerLike) -> Tokenizer:
    """Return the tokenizer for `source`.

    Args:
        source: a name in `TOKENIZERS`; the path of a `tokenizer.json`; a function from text to tokens or to their
            number; or an object of `tokenizers`, `transformers`, `tiktoken` or a similar package. A function gets the
            whole text at once, and so does an object whose pre-tokenizer is not known to split at the cuts.

    Raises:
        TokenizerError: there is no tokenizer of that name (the message lists the names), or `source` cannot encode.
        DependencyError: the name needs the extra `ratio`.
        DataError: the file cannot be read.

    >>> tokenizer("qwen3")
    <Tokenizer qwen3>
    """
    if isinstance(source, Tokenizer):
        return source
    if isinstance(source, os.PathLike):
        return _file(Path(source))
    if isinstance(source, str):
        name = source.lower()
        if name in VOCABULARIES:
            return named_tokenizer(name)
        if os.sep in source or name.endswith(".json"):
            return _file(Path(source))
        raise TokenizerError(
            f"tokenizer={shown(source)} is not known. Use one of {', '.join(VOCABULARIES)} from "
            f"{the_extra('ratio')}, "
            "or the path of a tokenizer.json.",
            tokenizer=source,
        )
    try:
        return _wrapped(source)
    except TypeError:  # not hashable
        return _wrap(source)


def tokenizer_of(model: str) -> str | None:
    """Return the name of a vision model's own tokenizer, or None if `TOKENIZERS` does not have it.

    >>> tokenizer_of("qwen3-vl"), tokenizer_of("glm-ocr")
    ('qwen3', None)
    """
    name = model.lower()
    return next((own for start, own in _TOKENIZER_BY_MODEL.items() if name.startswith(start)), None) or None


@lru_cache(maxsize=len(VOCABULARIES))
def named_tokenizer(name: str) -> Tokenizer:
    vocabulary = VOCABULARIES[name]
    try:
        import splintr
    except ImportError as error:
        need = f"tokenizer={shown(name)} needs the package splintr-rs"
        raise DependencyError.of(error, need, extra="ratio", otherwise=", or pass a tokenizer") from error
    encode = splintr.Tokenizer.from_pretrained(vocabulary.key).encode_ordinary
    cuts = _SPACE_CUTS if vocabulary.prefix else _CUTS
    return Tokenizer(name, encode, cuts=cuts, nfc=vocabulary.nfc, prefix=vocabulary.prefix)


def _file(path: Path) -> Tokenizer:
    try:
        data = read_text(path)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise DataError(
            f"{path} cannot be read ({reason}). Name a tokenizer.json, or one of TOKENIZERS.", path=path
        ) from error
    try:
        import tokenizers
    except ImportError as error:
        raise DependencyError(
            f"{path} needs the package tokenizers. Install it, or use a name: {', '.join(VOCABULARIES)}."
        ) from error
    try:
        backend = tokenizers.Tokenizer.from_str(data)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise TokenizerError(
            f"{path} is no tokenizer.json ({reason}). Name the file of a fast tokenizer.", tokenizer=str(path)
        ) from error
    return _fast(path.name, backend)


@lru_cache(maxsize=16)
def _wrapped(source: Any) -> Tokenizer:
    return _wrap(source)


def _wrap(source: Any) -> Tokenizer:
    name = getattr(source, "name", None) or getattr(source, "name_or_path", None) or getattr(source, "__name__", None)
    name = name if isinstance(name, str) else type(source).__name__
    backend = getattr(source, "backend_tokenizer", source)  # of a fast tokenizer of transformers
    if hasattr(backend, "pre_tokenizer") and hasattr(backend, "no_truncation"):
        return _fast(name, backend)
    if callable(ordinary := getattr(source, "encode_ordinary", None)):  # tiktoken, splintr
        pattern = getattr(source, "_pat_str", "")
        return Tokenizer(name, ordinary, cuts=_CUTS if pattern in PATTERNS else None)
    if callable(encode := getattr(source, "encode", None)):
        return Tokenizer(name, _without_special(encode))
    if callable(source):
        return Tokenizer(name, source)
    raise TokenizerError(
        f"tokenizer={name} has no encode and is no function. Pass a name ({', '.join(VOCABULARIES)}), "
        "a function from text to tokens, or an object of tokenizers, transformers or tiktoken.",
        tokenizer=name,
    )


def _without_special(encode: Callable[..., Any]) -> Callable[[str], Any]:
    """Return `encode` with begin and end tokens turned off. The signature of `encode` shows the option's name."""
    from inspect import signature

    try:
        known = signature(encode).parameters
    except (TypeError, ValueError):
        return encode
    off = {name: False for name in ("add_special_tokens", "bos", "eos") if name in known}
    return lambda text: encode(text, **off)


def _fast(name: str, backend: Any) -> Tokenizer:
    """Return the tokenizer for an object of the package `tokenizers`."""
    if backend.truncation or backend.padding:  # both would change the count; the caller's object stays as it is
        backend = type(backend).from_str(backend.to_str())
        backend.no_truncation()
        backend.no_padding()
    cuts = _CUTS if splits_at_cuts(backend) else None
    return Tokenizer(name, lambda text: backend.encode(text, add_special_tokens=False), cuts=cuts)
