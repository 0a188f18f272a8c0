"""The tokens of a code by a lexer of Pygments, with many rules of a state tried in one call of `re`.

A state of a lexer has up to 60 rules, and Pygments tries them one after the other, a call of Python each: for Python,
8 calls a token. Here the patterns of a state are joined by "|", each in a group of its own. `re` takes the first
alternative that matches, so it takes the rule that Pygments would take. The tokens are the same, in half of the time.
To compile the patterns takes as long as to read 50,000 characters without them. So they are compiled when a process has
read as many characters in the language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from pygments.lexer import Lexer

#: A rule of Pygments: (the match of its pattern, type of the token or a function, what becomes of the state).
Rule: TypeAlias = tuple[Any, Any, Any]
#: (the match of some rules, the rule of each group that may be the last) or (the match of a rule, the rule).
Step: TypeAlias = tuple[Callable[[str, int], re.Match[str] | None], list[Rule | None] | None, Rule | None]

# Characters of a language that are read before its patterns are joined.
_ENOUGH: Final = 50_000
# Groups that are named or referred to by number cannot be counted anew.
_REFERS: Final = re.compile(r"\\[1-9]|\(\?P|\(\?\(")
_FLAGS: Final = re.compile(r"\(\?([aims]+)\)")


def lex(lexer: Lexer, code: str) -> Iterator[tuple[int, Any, int]]:
    """Yield (start, type, end) of the tokens of `code`: those of `lexer.get_tokens_unprocessed`.

    >>> from pygments.lexers import PythonLexer
    >>> [(start, str(kind), end) for start, kind, end in lex(PythonLexer(), "if x")][::2]
    [(0, 'Token.Keyword', 2), (3, 'Token.Name', 4)]
    """
    states = _states_of(lexer, code)
    if states is None:
        return ((start, kind, start + len(text)) for start, kind, text in lexer.get_tokens_unprocessed(code))
    return _joined(lexer, code, states)


class _States(dict[str, list[Step]]):
    """The steps of each state of a lexer, which are made when the state is met first.

    Attributes:
        read: how many characters were read in the language.
    """

    def __init__(self, rules: dict[str, list[Rule]], flags: int) -> None:
        super().__init__()
        self._rules, self._flags = rules, flags
        self.read = 0

    def __missing__(self, state: str) -> list[Step]:
        steps = self[state] = list(_steps(self._rules[state], self._flags))
        return steps


_STATES: Final[dict[type[Lexer], _States]] = {}


def _states_of(lexer: Lexer, code: str) -> _States | None:
    """Return the states of a lexer; None if it has a way of its own, or if less was read than pays for compiling."""
    from pygments.lexer import RegexLexer

    kind = type(lexer)
    if getattr(kind, "get_tokens_unprocessed", None) is not RegexLexer.get_tokens_unprocessed:
        return None
    if "_tokens" in vars(lexer):  # a variant of the language, with rules of its own
        return None
    states = _STATES.get(kind)
    if states is None:
        states = _STATES[kind] = _States(lexer._tokens, int(kind.flags))
    states.read += len(code)
    return states if states.read >= _ENOUGH else None


def _steps(rules: list[Rule], flags: int) -> Iterator[Step]:
    """Yield the steps of a state: its rules, with neighbors joined."""
    common = re.compile("", flags).flags
    run: list[tuple[str, Rule]] = []
    for rule in rules:
        pattern = _joinable(rule[0].__self__, common)
        if pattern is not None:
            run.append((pattern, rule))
            continue
        yield from _step(run, flags)
        run = []
        yield rule[0], None, rule
    yield from _step(run, flags)


def _joinable(pattern: re.Pattern[str], common: int) -> str | None:
    """Return a pattern as it may stand between others, all of which have the flags `common`; None if it may not."""
    text = pattern.pattern
    if common & re.VERBOSE or _REFERS.search(text):
        return None
    if pattern.flags == common:
        return text
    own = _FLAGS.match(text)
    return f"(?{own[1]}:{text[own.end() :]})" if own and not common & re.ASCII and "a" not in own[1] else None


def _step(run: list[tuple[str, Rule]], flags: int) -> Iterator[Step]:
    """Yield the step of rules that are tried one after the other, or a step for each if they cannot be joined."""
    rules: list[Rule | None] = [None]
    for _, rule in run:
        rules += [rule, *[None] * rule[0].__self__.groups]
    try:
        joined = re.compile("|".join(f"({pattern})" for pattern, _ in run), flags)
        if len(run) > 1 and joined.groups == len(rules) - 1:
            yield joined.match, rules, None
            return
    except re.error:
        pass
    yield from ((rule[0], None, rule) for _, rule in run)


def _joined(lexer: Lexer, code: str, states: _States) -> Iterator[tuple[int, Any, int]]:
    """Yield what `lex` yields. This is the loop of Pygments, with joined rules."""
    from pygments.token import Error, Whitespace, _TokenType

    stack = ["root"]
    steps = states["root"]
    at = 0
    while True:
        for match, rules, rule in steps:
            found = match(code, at)
            if found is None:
                continue
            if rules is not None:
                assert found.lastindex is not None
                rule = rules[found.lastindex]
            assert rule is not None
            alone, kind, change = rule
            end = found.end()
            if type(kind) is _TokenType:
                yield at, kind, end
            elif kind is not None:
                for start, inner, text in kind(lexer, found if rules is None else alone(code, at)):
                    yield start, inner, start + len(text)
            at = end
            if change is not None:
                _change(stack, change)
                steps = states[stack[-1]]
            break
        else:
            if at >= len(code):
                return
            if code[at] == "\n":
                stack = ["root"]
                steps = states["root"]
                yield at, Whitespace, at + 1
            else:
                yield at, Error, at + 1
            at += 1


def _change(stack: list[str], change: Any) -> None:
    """Change the stack of states as a rule says."""
    if isinstance(change, tuple):
        for state in change:
            if state == "#pop":
                if len(stack) > 1:
                    stack.pop()
            else:
                stack.append(stack[-1] if state == "#push" else state)
    elif isinstance(change, int):
        del stack[1 if abs(change) >= len(stack) else change :]
    else:
        stack.append(stack[-1])
