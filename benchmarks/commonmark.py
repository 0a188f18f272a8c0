"""The examples of the CommonMark suite: is what pages draw the text that a browser shows?

    python benchmarks/commonmark.py commonmark.json

The file is `tests/test_cmark_spec/commonmark.json` of the source distribution of markdown-it-py 4.3.0: 652 examples of
CommonMark 0.31.2 (John MacFarlane, CC BY-SA 4.0). It is not part of this repository. Each example is compared with the
HTML of markdown-it-py, and, if it has no raw HTML, with the HTML that the suite itself gives. Both are read by Python's
HTML parser. Raw HTML is escaped first, because pages show it as text; white space counts as one space.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from reference_markdown import flat, has_html, reference, text_of_html

from glyphrender import from_markdown


def main(path: str) -> int:
    md = reference()
    count: Counter[str] = Counter()
    differ: list[int] = []
    sections: Counter[str] = Counter()
    for example in json.loads(Path(path).read_text(encoding="utf-8")):
        source = example["markdown"]
        drawn = flat(from_markdown(source).drawn)
        witnesses = {"markdown-it-py": md.render(source)}
        if not has_html(md, source):
            witnesses["the suite's HTML"] = example["html"]
        for name, html in witnesses.items():
            count[name] += 1
            if drawn != text_of_html(html):
                differ.append(example["example"])
                sections[example["section"]] += 1
                print(f"{name}, example {example['example']}: {drawn!r} for {text_of_html(html)!r}")
    for name, number in count.items():
        print(f"compared with {name}: {number}")
    print(f"differ: {len(differ)} {dict(sections) or ''}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
