"""Paths with spaces. A path in quotes ends at the quote. A path without quotes may continue after a space.

So a path before a space is listed only if something says that it ends there: an extension, an ordinary little word
after it, a mark of the shell, another path, or the end of the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from glyphrender.inference.exact.characters import DELIMITERS, glues
from glyphrender.inference.exact.kinds import LONGEST

_START: Final = r"(?:[A-Za-z]:[\\/]|\\\\[\w.$-]|~/|\.{1,2}[\\/]|/[\w.]|\$\w+/|%\w+%\\|HK[A-Z_]{2,24}\\|file://)"
_QUOTED: Final = re.compile(rf"(?P<quote>[\"`'“„«])(?P<path>{_START}[^\"`'“”„«»\n\r]{{1,400}}?)(?P<close>[\"`'”“»])")
_CLOSE: Final = {'"': '"', "`": "`", "'": "'", "“": "”", "„": "“”", "«": "»"}
_SPACED: Final = re.compile(r" ")
_ESCAPED: Final = re.compile(r"(?<![\w/\\.~-])(?:~|\.{1,2})?(?:/(?:[\w@+~%=-]|\.(?=[\w.])|\\[ ()&'])++)++")
_GOES_ON: Final = re.compile(r"[^\s.,;:!?)\"'|>]|[.,:]\S")
_EXTENSIONS: Final = (
    "txt md rst pdf doc docx odt rtf xls xlsx ods csv tsv ppt pptx odp png jpg jpeg gif svg webp bmp tif tiff "
    "ico mp3 mp4 wav avi mkv mov flac ogg zip gz tgz bz2 xz zst tar 7z rar jar war whl deb rpm dmg iso img exe "
    "dll sys bat cmd ps1 msi so a o lib dylib py pyc pyi pyx c h cc cpp cxx hh hpp hxx rs go java kt scala rb "
    "pl pm php js mjs cjs jsx ts tsx vue css scss less html htm xhtml xml xsl json jsonl yaml yml toml ini cfg "
    "conf cnf env lock log sql db sqlite parquet bin dat pem crt key cer der p12 pub asc sig sh bash zsh fish "
    "mk cmake in am ac patch diff lua r jl m mm swift cs fs vb ex exs erl hs ml el lisp clj tex bib sty cls "
    "ttf otf woff woff2 map wasm po mo pot pid sock socket service timer rules list bak old orig swp tmp out "
    "err ipynb proto thrift gradle properties tf "
)
EXTENSIONS: Final = frozenset(_EXTENSIONS.split())
# Little words that follow a path in a sentence, and are hardly ever inside one, in a few languages.
_LITTLE_WORDS: Final = (
    "and or is was are were be been to in on with for from at by as that which has have had does do did not if "
    "when while the a an of into onto via per than then but so because before after until since unless where "
    "who whose it its they you we i can could may might must shall should will would also only already exists "
    "exist failed fails contains contain und oder ist war sind wird wurde mit für von zu aus auf im ein eine "
    "der die das nicht wenn als nach vor bei et ou est sont était avec pour de du des dans sur par le la les "
    "un une ne pas si que qui y o es son con para en por el los las no se e è sono di da il lo gli met voor "
    "van naar op het een niet og eller er med til fra på det ikke och är från "
)
_LITTLE: Final = frozenset(_LITTLE_WORDS.split())
_COMMAND: Final = re.compile(r" -(?! )| [|&;<>$]")
_DELIMITER: Final = re.compile(f"[{DELIMITERS}]")
_MARKS: Final = re.compile(f"[,;=:{DELIMITERS}](?!\\\\)")
_WORD: Final = re.compile(r"\s*(\S+)")
_LINE: Final = re.compile(r"[^\n]{0,240}")


def quoted_paths(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, whole) for each quoted span that begins as a path and holds a space.

    If the span is not `whole`, it may be a path with spaces, and nothing inside it is listed; or it is a command or a
    sentence, and then it ends at its first space.
    """
    at = 0
    while match := _QUOTED.search(text, at):
        start, end = match.span("path")
        at = match.end()
        if match["close"] not in _CLOSE[match["quote"]] or glues(text, match.start() - 1, after=False):
            at = start
            continue
        path = match["path"]
        if _SPACED.search(path):
            # `'` in the middle of a word, and `"a"b`, close nothing.
            whole = len(path) <= LONGEST and not glues(text, match.end(), after=True) and _is_spaced(path)
            # '/srv/a, b/c.txt' may be a path as well as a list.
            may_be_path = whole or (has_extension(path) and not _COMMAND.search(path))
            yield start, end if may_be_path else start + path.index(" "), whole


def _is_spaced(path: str) -> bool:
    """Return whether a quoted path with spaces is one path, and not a command or a sentence."""
    if re.search(rf" (?:-(?! )|[|&;<>$]|{_START})|[{{}}<>|\t]|[.,;:!?] |[.,;:!?]$|\s$|  | / |[^\S ]", path):
        return False
    if path.count("(") != path.count(")") or _DELIMITER.search(path):
        return False
    windows = "\\" in path
    last = re.split(r"[\\/]", path)[-1]
    if not windows and "/" not in path[2:]:
        return False
    if any(map(has_extension, last.split()[:-1])):
        return False
    if " " not in last:
        return windows or all(len(part.split()) <= 4 for part in path.split("/"))
    _, dot, extension = last.rpartition(".")
    return (bool(dot) and extension.lower() in EXTENSIONS and " " not in extension) or (
        windows and len(last.split()) <= 4
    )


def escaped_paths(text: str) -> Iterator[tuple[int, int]]:
    r"""Yield the spans of Unix paths with escaped spaces: `/mnt/My\ Drive/a.txt`."""
    at = text.find("\\ ")
    while at >= 0:
        begin = at
        while begin > 0 and at - begin < 300 and not text[begin - 1].isspace() and text[begin - 1] not in "\"'`":
            begin -= 1
        match = _ESCAPED.match(text, begin)
        if match and match.end() > at + 1:
            at = match.end()  # listed or not, nothing inside it is looked at again
            if at < begin + LONGEST and not _GOES_ON.match(text, at):
                yield match.span()
        at = text.find("\\ ", at + 1)


def ends_at_space(text: str, start: int, end: int) -> bool:
    """Return whether the path text[start:end], which has spaces on both sides or ends a line, is surely whole."""
    path = text[start:end]
    windows = "\\" in path or re.match(r"[A-Za-z]:/", path) is not None
    right = _LINE.match(text, end)[0]  # type: ignore[index]
    if not right.strip():
        return not windows or has_extension(path) or not right or text[max(0, start - 1) : start] in ("", "\n")
    if right[0] != " " or right[:2] == "  ":
        return True
    words = right.split()
    if windows and any("\\" in word and not re.match(rf"[\"'(]*{_START}", word) for word in words):
        return False
    word = words[0]
    if word[0].isdigit() and re.fullmatch(r"/[A-Za-z]*\d\w*", path):  # a slash before a number in groups: /4111 1111
        return False
    if re.match(rf"[\"'`(\[]*{_START}|[-|>&<#=+*,;:!?({{\[\"'`“–—→]|\d+(?:\.\d+)?[KMGT]?B?$|HTTP/", word):
        return not windows or has_extension(path) or word[0] in '|><&"'
    if has_extension(path):
        return not re.search(r"[\\/]", word) or windows is False
    if re.search(r"\w\.(?=\d*[A-Za-z])[A-Za-z0-9]{2,5}$", path) and word in _LITTLE:
        return True
    if windows or path.rstrip("/") != path:
        return path.endswith("/") and word.lower().strip(".,;:") in _LITTLE
    if re.search(r"\w/\S*\.\w+:\d+", word):
        return True
    if any(re.search(r"\w/\w", later) and not re.match(rf"[\"'(]*{_START}", later) for later in words[:4]):
        return False
    if any(has_extension(later.strip(".,;:)'\"")) for later in words[:4]):
        return False
    return word.strip(".,;:)") in _LITTLE


def extent(text: str, start: int, end: int) -> int:
    """Return the end of the text that may belong to a path whose end is not known."""
    line = _LINE.match(text, end)
    assert line is not None
    if "\\" in text[start:end]:
        return line.end()
    stop = end
    for number, word in enumerate(re.finditer(r"\S+", line[0])):
        if number >= 6 or re.match(rf"[\"'(]*{_START}", word[0]):
            break
        if number == 0 or re.search(r"\w/\w", word[0]) or has_extension(word[0].strip(".,;:)'\"")):
            stop = end + word.end()
    return stop


def begins_at_space(text: str, start: int, end: int) -> bool:
    """Return whether the path text[start:end] begins there, and not in an earlier word of its line."""
    left = text[max(0, start - 120) : start]
    left = left[left.rfind("\n") + 1 :]
    return not (left.endswith(" ") and not re.search(r":\d+\Z", text[start:end]) and _continues(left))


def _continues(left: str) -> bool:
    """Return whether the words before a path may be the beginning of it."""
    words = left.split()
    for distance, word in enumerate(reversed(words[-4:])):
        if has_extension(word):
            return False
        word = _MARKS.split(word)[-1]
        if word.strip(".,;:)").lower() in _LITTLE:
            return False
        word = word.lstrip("\"'(`")
        rooted = re.match(_START, word) is not None
        if not rooted and not (distance == 0 and re.search(r"\w[\\/]\w", word)):
            continue
        return not has_extension(word) and not word.endswith((",", ";", ":", ".", ")", '"', "'", "`"))
    return False


def has_extension(path: str) -> bool:
    """Return whether the last part of a path has an extension that one knows, or a line number."""
    name = re.split(r"[\\/]", path)[-1]
    stem, dot, extension = re.sub(r":\d+(?::\d+)?$|(?<=\.so)(?:\.\d+)+$", "", name).rpartition(".")
    return (bool(dot and stem) and extension.lower() in EXTENSIONS) or name != re.sub(r":\d+(?::\d+)?$", "", name)
