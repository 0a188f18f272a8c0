"""Find exact strings, each whole or not at all. A string that is a part of a longer one must never be found.

- `characters`: which characters end a string, continue it, or are not seen.
- `kinds`: what a string is, judged as a whole.
- `borders`: whether the text on both sides lets a string end there.
- `words`: the strings in one run of characters without spaces.
- `groups`: strings with spaces, such as `1 234 567,89`, and numbers that may be a part of one.
- `times`: dates, clocks and zones that belong together.
- `paths`: paths with spaces, and paths whose end nobody can know.
- `find`: all of these over a text.
"""
