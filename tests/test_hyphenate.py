"""Only proper words are hyphenated; what a hyphen would falsify is not."""

from __future__ import annotations

import random
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import RichText, Style, Theta, layout, render
from glyphrender.typeset.hyphenate import hyphenator, proper_words
from glyphrender.typeset.liang import Patterns

pyphen = pytest.importorskip("pyphen")
DATA = Path(__file__).parent / "data"

TECHNICAL = re.findall(
    r"\S+",
    """
    https://example.org/wiki/Special:Recent_changes?limit=500&days=30#internationalization  mailto:internationalization
    user.documentation@organization-example.international  src/internationalization/documentation.configuration.py,
    getElementsByClassName  HTTPSConnectionPool  document.getElementById("internationalization")  limit=500
    SHA256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  0xdeadbeefcafebabe  internationalization2
    documentation_generator  --internationalization  -internationalization  $internationalization  @internationalization
    C:\\internationalization\\configuration  ~/internationalization  ./configuration  internationalization()
    std::configuration  {configuration}  <configuration>  `configuration`  configuration|documentation  v2-configuration
    SELECT-INTERNATIONALIZATION  INTERNATIONALIZATION  configuration.documentation  configuration,documentation
    configuration=documentation  configuration+documentation  configuration@documentation  configuration/documentation
    configuration:documentation  #configuration  %configuration%  configuration[documentation]  www.configuration.org
    1internationalization  inter2nationalization  Überkonfiguration/Dokumentation
    """,
)

PROSE = {
    "internationalization.": "in-ter-na-tion-al-iz-a-tion.",
    "(“internationalization”),": "(“in-ter-na-tion-al-iz-a-tion”),",
    "never-ending-international": "nev-er-end-ing-in-ter-na-tion-al",
    "international—another": "in-ter-na-tion-al—an-oth-er",
    "international--another!": "in-ter-na-tion-al--an-oth-er!",
    "—International": "—In-ter-na-tion-al",
    "organization's": "or-gan-iz-a-tion's",
    "international\u00a0!": "in-ter-na-tion-al\u00a0!",
    "10\u00a0international": "10\u00a0in-ter-na-tion-al",
    "[international]": "[in-ter-na-tion-al]",
    "HTML-Documentation": "HTML-Doc-u-ment-a-tion",
}


def hyphenated(token: str, language: str) -> str:
    for at in reversed(hyphenator(language)(token)):
        token = token[:at] + "-" + token[at:]
    return token


@pytest.mark.slow
@pytest.mark.parametrize("language", sorted(name for name in pyphen.LANGUAGES if "_" not in name))
def test_no_language_hyphenates_what_is_not_plain_text(language: str) -> None:
    positions = hyphenator(language.replace("_", "-"))
    assert [token for token in TECHNICAL if positions(token)] == []


@pytest.mark.parametrize("token", PROSE)
def test_words_with_ordinary_punctuation_are_hyphenated(token: str) -> None:
    assert hyphenated(token, "en") == PROSE[token]


@pytest.mark.parametrize(
    "file, language", [("eng", "en-US"), ("fra", "fr"), ("ell", "el"), ("rus", "ru"), ("fra", "nl"), ("eng", "de")]
)
def test_words_of_prose_are_hyphenated_as_the_patterns_say(file: str, language: str) -> None:
    """Every word of the Universal Declaration, composed or decomposed, alone or between quotation marks."""
    text = (DATA / f"udhr-{file}.txt").read_text(encoding="utf-8")
    patterns = pyphen.Pyphen(lang=pyphen.language_fallback(language))
    positions = hyphenator(language)
    words = {word for word in re.findall(r"[^\W\d_]+", text) if len(word) >= 5 and not word.isupper()}
    assert len(words) > 250
    for word in words:
        assert positions(f"«{word}»,") == [at + 1 for at in patterns.positions(word)]
        apart = unicodedata.normalize("NFD", word)
        pieces = [
            apart[start:end] for start, end in zip([0, *positions(apart)], [*positions(apart), None], strict=True)
        ]
        assert [unicodedata.normalize("NFC", piece) for piece in pieces] == patterns.inserted(word, "|").split("|")


def as_pyphen(language: str, count: int) -> None:
    """Compare the places in `count` words that are made of patterns, and in as many of random letters of patterns."""
    expected = pyphen.Pyphen(lang=language)
    patterns = Patterns(expected.hd.patterns)
    rng, pieces = random.Random(language), [piece.strip(".") for piece in expected.hd.patterns]
    letters = "".join(pieces)
    words = ["".join(rng.choices(pieces, k=rng.randint(1, 6))) for _ in range(count)]
    words += ["".join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(count)]
    for word in [*words, *(word.upper() for word in words), *("İ" + word for word in words[:9])]:
        assert patterns.positions(word) == expected.positions(word), (language, word)


# "id" has patterns with values beyond their last letter, "ca" such as change the spelling.
@pytest.mark.parametrize("language", ["en", "fr", "ru", "ca", "id"])
def test_words_of_patterns_are_hyphenated_as_by_pyphen(language: str) -> None:
    as_pyphen(language, 100)


@given(st.text("aeo\u0301\u0323\u0345\u1100\u1161\u11a8가か\u3099\u09c7\u09be\u09d7क\u093c", min_size=5, max_size=12))
def test_places_in_decomposed_words_are_those_of_the_composed_word(word: str) -> None:
    """Every place is the last at which the beginning of the word composes to as many characters."""

    def composed(end: int | None) -> int:
        return len(unicodedata.normalize("NFC", word[:end]))

    for language in ("en", "el"):
        expected = pyphen.Pyphen(lang=language).positions(unicodedata.normalize("NFC", word))
        found = hyphenator(language)(word)
        if found:
            assert [composed(at) for at in found] == [at for at in expected if at in map(composed, range(len(word)))]
        assert all(at == len(word) or composed(at + 1) > composed(at) for at in found)


@given(st.text("aBé.-/'\u2019\u0301 (“”),:_1\u00a0\u00ad—", max_size=40))
def test_only_letters_of_long_words_are_parted(token: str) -> None:
    for start, word in proper_words(token):
        assert token[start : start + len(word)] == word
        assert len(word) >= 5
    for at in hyphenator("en")(token):
        assert token[at - 1].isalpha() or unicodedata.category(token[at - 1]) == "Mn"
        assert token[at].isalpha()


@pytest.mark.parametrize(
    "token", ["a" * 300_000 + "/", "a-" * 150_000 + "/", "a'" * 150_000, "'" * 300_000, "e\u0301" * 150_000]
)
def test_a_very_long_token_takes_no_time(token: str) -> None:
    assert hyphenator("en")(token) == []


def test_a_page_shows_no_hyphen_inside_an_address() -> None:
    text = " ".join(token for token in TECHNICAL if "-" not in token) + " " + "internationalization " * 8
    plain = set(re.findall(r"\S+", text))
    for width in range(60, 200, 7):
        theta = Theta(page_size=(width, 8000), hyphenate=True, language="en")
        for page in layout(text, theta):
            for line in page.lines:
                word = next(word for word in re.finditer(r"\S+|\s+", text) if word.start() < line.end <= word.end())
                if word.end() > line.end and hyphenator("en")(word.group()):
                    assert word.group() in plain
                    assert word.group() == "internationalization"


@pytest.mark.parametrize("width", [40, 60, 90])
def test_a_style_that_changes_no_advance_moves_no_hyphen(width: int) -> None:
    text = "unbelievable example.com/incomprehensibilities, incomprehensibilities “never-ending” $HOME/naturally"
    theta = Theta(
        page_size=(width, 300), margin_x=4, margin_y=4, hyphenate=True, language="en", font="DejaVu Sans Mono"
    )
    plain = [line.text for page in render(text, theta) for line in page.lines]
    for start in range(0, len(text) - 2, 5):
        styled = RichText(text, [(start, start + 2, Style(color="#FF0000"))])
        assert [line.text for page in render(styled, theta) for line in page.lines] == plain, text[start : start + 2]
