"""Counts are those of the tokenizer itself, however the text is cut or comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import splintr
import tiktoken
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from nasty import NASTY
from strategies import examples, texts

from glyphrender.errors import DataError, DependencyError, TokenizerError
from glyphrender.models import tokenizers as module
from glyphrender.models.tokenizers import TOKENIZERS, TokenCounter, Tokenizer, tokenizer

HERE = Path(__file__).parent
PROSE = (HERE.parent / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
CHINESE = (HERE.parent / "benchmarks/texts/udhr-chinese.txt").read_text(encoding="utf-8")
CODE = Path(module.__file__).read_text(encoding="utf-8")

# Where words meet what a pre-tokenizer treats by what follows: spaces, line ends, contractions, digits, stops.
# fmt: off
TROUBLE = (
    "a", "B", "é", "中", "字", "の", "한", "ب", "क", "ि", "я", "ẞ", "ﬁ", "e\u0301", "\u0301", "\u3099", "か\u3099",
    "'s", "'LL", "'", "’", "1", "12", "١", "½", "Ⅳ", "。", "、", "，", ".", "/", "!?", "▁", "\u200d", "\u00ad", "👩‍👧",
    " ", "  ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\x85", "\0", "\ud800",
    "<|endoftext|>", "<s>", "[INST]", "Hello", "the ", " der", "x = 1\n",
)
# fmt: on


def mixtures() -> st.SearchStrategy[str]:
    return st.one_of(st.lists(st.sampled_from(TROUBLE), max_size=80).map("".join), texts(max_size=40))


def whole(counted: Tokenizer, text: str) -> int:
    """The count of `text` in one piece."""
    return counted.number(text, first=True) if text else 0


@pytest.fixture(params=TOKENIZERS, scope="module")
def named(request: pytest.FixtureRequest) -> Tokenizer:
    return tokenizer(request.param)


@pytest.fixture(scope="module", autouse=True)
def _short_pieces() -> Iterator[None]:
    """Pieces of three characters, so that every cut that may be taken is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", 3)
        yield


@pytest.mark.slow
@given(text=mixtures())
@examples(150)
def test_pieces_add_up_to_the_whole(named: Tokenizer, text: str) -> None:
    assert named.streams
    assert "".join(named.pieces(text, final=True)) == text
    assert named.count(text) == whole(named, text)


@given(text=mixtures(), data=st.data())
@examples(50)
def test_it_is_the_same_in_parts(text: str, data: st.DataObject) -> None:
    counted = tokenizer("glm-4")
    at = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parts = [text[start:end] for start, end in zip([0, *at], [*at, len(text)], strict=True)]
    assert counted.count(iter(parts)) == whole(counted, text)


@pytest.mark.parametrize("name", ["glm-4", "qwen3", "deepseek-v3", "gemma-3", "llama-2"])
def test_nasty_texts(name: str) -> None:
    counted = tokenizer(name)
    for text in NASTY.values():
        some = text[:20_000]
        assert counted.count(some) == whole(counted, some)


@pytest.mark.slow
def test_books_are_cut_often(named: Tokenizer) -> None:
    for text in (PROSE[:60_000], CODE, CHINESE):
        pieces = list(named.pieces(text, final=True))
        assert named.count(text) == whole(named, text)
        if text is not CHINESE or named.name != "llama-2":  # which only cuts at spaces
            assert len(pieces) > len(text) / 200


@pytest.mark.slow
def test_no_token_of_any_vocabulary_lies_across_a_cut() -> None:
    """What a cut needs of a vocabulary whose pre-tokenizer does not split there: no merge passes it."""
    letter = module.LETTER
    across = re.compile(f"{letter}[ ▁]|\n{letter}|[\u4e00-\u9fa5][、。，]")
    for vocabulary in module.VOCABULARIES.values():
        loaded = splintr.Tokenizer.from_pretrained(vocabulary.key)
        special = set(loaded.special_tokens().values())
        ids = [number for number in range(loaded.vocab_size) if number not in special]
        tokens = []
        for number in ids:
            try:
                tokens.append(loaded.decode_token_bytes(number).decode("utf-8", "ignore"))
            except ValueError:  # a number without a token
                continue
        assert len(tokens) > 30_000
        assert not [token for token in tokens if across.search(token)]


# The patterns as their projects publish them; tiktoken's regular expressions and merges are not those of splintr.
ORACLES = {
    "glm-4": (splintr.LLAMA3_PATTERN, 151_329),
    "llama-3": (splintr.LLAMA3_PATTERN, 128_000),
    "qwen3": (splintr.QWEN2_PATTERN, 151_643),
    "o200k": (splintr.O200K_BASE_PATTERN, 199_998),
}


@pytest.fixture(params=ORACLES, scope="module")
def oracle(request: pytest.FixtureRequest) -> tuple[Tokenizer, Any]:
    pattern, size = ORACLES[request.param]
    loaded = splintr.Tokenizer.from_pretrained(module.VOCABULARIES[request.param].key)
    ranks = {loaded.decode_token_bytes(rank): rank for rank in range(size)}
    return tokenizer(request.param), tiktoken.Encoding(
        request.param, pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
    )


@pytest.mark.slow
@given(text=mixtures())
@examples(150)
def test_another_implementation_counts_the_same(oracle: tuple[Tokenizer, Any], text: str) -> None:
    import unicodedata

    counted, encoding = oracle
    text = text.replace("\ud800", "\ufffd")
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    expected = unicodedata.normalize("NFC", text) if counted.name == "qwen3" else text
    assert counted.count(text) == len(encoding.encode_ordinary(expected))


def test_tiktoken_streams_by_its_pattern() -> None:
    ranks = {bytes([byte]): byte for byte in range(256)}
    known = tiktoken.Encoding("k", pat_str=splintr.GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={})
    other = tiktoken.Encoding("o", pat_str=r"(?s:.{1,7})", mergeable_ranks=ranks, special_tokens={})
    assert tokenizer(known).streams
    assert not tokenizer(other).streams
    assert tokenizer(other).count("naïve") == 6


def trained(pre: Any, normaliser: Any = None) -> Any:
    """A tokenizer of the package `tokenizers`, of 2,000 tokens learned from the texts here."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer, made.normalizer = pre, normaliser
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=2000, show_progress=False, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator([PROSE[:200_000], CODE, CHINESE], trainer)
    return made


def byte_level(pattern: str) -> Any:
    pre = tokenizers.pre_tokenizers
    split = pre.Split(tokenizers.Regex(pattern), behavior="isolated")
    return pre.Sequence([split, pre.ByteLevel(add_prefix_space=False, use_regex=False)])


@pytest.fixture(scope="module")
def fast() -> dict[str, Any]:
    pre = tokenizers.pre_tokenizers
    return {
        "gpt2": trained(pre.ByteLevel(add_prefix_space=False)),
        "qwen": trained(byte_level(splintr.QWEN2_PATTERN), tokenizers.normalizers.NFC()),
        "o200k": trained(byte_level(splintr.O200K_BASE_PATTERN)),
        "fixed width": trained(byte_level(r"[\s\S]{1,7}")),
        "prefix": trained(pre.ByteLevel(add_prefix_space=True)),
        "lower case": trained(pre.ByteLevel(add_prefix_space=False), tokenizers.normalizers.Lowercase()),
    }


@pytest.mark.slow
@given(text=mixtures())
@examples(100)
def test_fast_tokenizers_stream_where_that_is_safe(fast: dict[str, Any], text: str) -> None:
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    for name, backend in fast.items():
        counted = tokenizer(backend)
        assert counted.streams == (name in ("gpt2", "qwen", "o200k"))
        assert counted.count(text) == len(backend.encode(text, add_special_tokens=False))


@pytest.mark.slow
def test_added_tokens_with_spaces_keep_a_text_whole(fast: dict[str, Any]) -> None:
    backend = tokenizers.Tokenizer.from_str(fast["gpt2"].to_str())
    backend.add_tokens(["the end of it"])
    assert not tokenizer(backend).streams
    assert tokenizer(backend).count("the end of it") == 1


@pytest.mark.slow
def test_truncation_and_padding_of_the_object_do_not_count(fast: dict[str, Any]) -> None:
    backend = tokenizers.Tokenizer.from_str(fast["gpt2"].to_str())
    backend.enable_truncation(5)
    backend.enable_padding(length=50)
    assert tokenizer(backend).count(PROSE[:3000]) == len(fast["gpt2"].encode(PROSE[:3000]))
    assert backend.truncation["max_length"] == 5


def test_a_tokenizer_json(fast: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    fast["qwen"].save(str(path))
    for source in (path, str(path)):
        assert tokenizer(source).count(PROSE[:5000]) == len(fast["qwen"].encode(PROSE[:5000]))
    path.write_text("{}")
    with pytest.raises(TokenizerError, match=r"is no tokenizer\.json"):
        tokenizer(path)
    with pytest.raises(DataError, match="cannot be read"):
        tokenizer(tmp_path / "none.json")


def test_any_callable_or_encoder_gets_the_whole_text() -> None:
    seen: list[str] = []

    def words(text: str) -> list[str]:
        seen.append(text)
        return text.split()

    counted = tokenizer(words)
    assert counted.count(iter(["a b", "c ", "d"])) == 3
    assert seen == ["a bc d"]
    assert tokenizer(len).count("abc") == 3

    def encode(text: str, bos: bool = True, eos: bool = True) -> list[int]:
        return [0] * (len(text) + bos + eos)

    assert tokenizer(SimpleNamespace(encode=encode)).count("abc") == 3  # as mistral_common's Tekkenizer


def test_mistral_common_counts_the_same() -> None:
    tekken = pytest.importorskip("mistral_common.tokens.tokenizers.tekken")
    data = Path(tekken.__file__).parents[2] / "data"
    (path, *_) = sorted(data.glob("tekken_240911.json")) or sorted(data.glob("tekken*.json"))
    theirs = tokenizer(tekken.Tekkenizer.from_file(path))
    for text in (PROSE[:100_000], CODE, CHINESE):
        assert tokenizer("mistral-tekken").count(text) == theirs.count(text)


@pytest.mark.parametrize(
    "wrong, error, message",
    [
        ("glm-5", TokenizerError, r"tokenizer='glm-5' is not known. Use one of glm-4, .*\.\[ratio\]"),
        (7, TokenizerError, "has no encode and is no function"),
        ("missing/tokenizer.json", DataError, "cannot be read"),
    ],
)
def test_what_is_no_tokenizer(wrong: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        tokenizer(wrong)
    assert {"glm-5", "int", "missing/tokenizer.json"} & {*vars(caught.value).values()}


@pytest.mark.parametrize("gives", [None, "text", True, -1, 2.5])
def test_what_gives_no_tokens(gives: Any) -> None:
    returned: Callable[[str], Any] = lambda text: gives  # noqa: E731
    with pytest.raises(TokenizerError, match="gave"):
        tokenizer(returned).count("a")


def test_a_tokenizer_that_fails() -> None:
    with pytest.raises(TokenizerError, match=r"failed: .* by zero") as caught:
        tokenizer(lambda text: 1 // 0).count("a")
    assert caught.value.tokenizer == "<lambda>"


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module.named_tokenizer.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "splintr", None)
    with pytest.raises(DependencyError, match=r"\.\[ratio\]") as caught:
        tokenizer("glm-4")
    assert caught.value.extra == "ratio"


def test_the_empty_text_has_no_tokens(named: Tokenizer) -> None:
    assert named.count("") == named.count(iter(())) == 0
    with pytest.raises(DataError, match="got bytes"):
        named.count(iter([b"a"]))


def test_counts_are_remembered_by_what_the_text_is() -> None:
    calls: list[int] = []

    def count(text: str) -> int:
        calls.append(len(text))
        return len(text)

    counted = tokenizer(count)
    assert [counted.count("abc"), counted.count("".join(["a", "bc"])), counted.count("xyz")] == [3, 3, 3]
    assert calls == [3, 3]


def test_memory_is_bounded_by_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 1000)
    counter = TokenCounter(tokenizer("glm-4"))
    held = []
    for _ in range(200):
        counter.add(PROSE[:500])
        held.append(counter._held)
    assert max(held) < 3000
    assert counter.total() == whole(tokenizer("glm-4"), PROSE[:500] * 200)
