"""Joined rules give the tokens of Pygments: for code of the language, for code of others, and for signs at random."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

pytest.importorskip("pygments")

from pygments.lexers import get_lexer_by_name

from glyphrender.rich.lexing import lex

ROOT = Path(__file__).parents[1]
PYTHON = (ROOT / "src" / "glyphrender" / "rich" / "rich_text.py").read_text(encoding="utf-8")
SAMPLES = (
    PYTHON,
    (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
    "def f(x): return f'{x!r:>{10}} {y}' + rb'a\\n' + RF\"{x}\"\n@dec\nclass A(B):\n    '''doc'''\n",
    "for f in *.txt; do echo \"$f ${x%.*}\" | sed -e 's/a/b/' > $(date); done # c\ncat <<EOF\n$x\nEOF\n",
    'fn main() -> Result<(), E> { let x: &\'a str = r#"raw"#; 0x1Fu8 /* a /* b */ */ } // c\n',
    "SELECT a, b FROM t WHERE c = 'x''y' -- comment\n/* y */;\n",
    "const r = /a[b]c/g, t = `x ${a + `y ${b}`}`; async () => {}\n",
    "abc \t\"'`#$%&()*+,-./:;<=>?@[\\]^{|}~\u00e9\u4e2d\u2028\n",
)
LANGUAGES = ("python", "bash", "toml", "rust", "sql", "js", "java", "haskell", "ruby", "css", "make", "go")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tokens_are_those_of_pygments(language: str) -> None:
    lexer, random = get_lexer_by_name(language), Random(language)
    list(lex(lexer, " " * 50_000))  # so much was read that rules are joined
    for _ in range(12):
        parts = []
        for _ in range(random.randint(1, 9)):
            sample = random.choice(SAMPLES)
            at = random.randrange(len(sample))
            parts.append(sample[at : at + random.randint(1, 200)])
        code = "".join(parts)
        expected = [(at, kind, at + len(text)) for at, kind, text in lexer.get_tokens_unprocessed(code)]
        assert list(lex(lexer, code)) == expected


def test_a_long_text_has_the_tokens_that_its_lexer_gives_without_joined_rules() -> None:
    lexer = get_lexer_by_name("python")
    code = PYTHON * (50_000 // len(PYTHON) + 1)
    expected = [(at, kind, at + len(text)) for at, kind, text in lexer.get_tokens_unprocessed(code)]
    assert list(lex(lexer, code)) == expected
