"""Rich text wherever text is taken: set as rich text, or refused by one typed error, and never flattened unsaid."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from glyphrender import (
    Document,
    GlyphRenderError,
    RichText,
    Style,
    Theta,
    compression_ratio,
    fit,
    from_code,
    from_diff,
    from_markdown,
    from_terminal,
    layout,
    layout_each,
    propose,
    render,
    worth_it,
)
from glyphrender.adapters.data import PagesTransform
from glyphrender.adapters.sft import Conversations, Prompts
from glyphrender.ratio.fit_parts import fit_parts
from glyphrender.rich import compressed
from glyphrender.search.reader import ReaderEvaluator
from glyphrender.search.rho_text import RHO_TEXT, rho_texts
from glyphrender.train.rows.documents import CorpusTexts, split_of
from glyphrender.train.rows.grpo_rows import PromptRows, prompt_dataset, without_held_out
from glyphrender.train.rows.page_policy import PagePolicy

SOURCE = "# Head\n\nSome **bold** &amp; plain text of a paragraph.\n\n| a | b |\n|---|---|\n| c | d |\n\n" * 9
RICH = from_markdown(SOURCE)
PAGES = PagesTransform(text="text", format="png")
DRAWN = [page.drawn_text for page in render(RICH)]


def drawn(pages: Any) -> bool:
    """Whether pages draw what the rich text draws, and account for its source."""
    return [page.drawn_text for page in pages] == DRAWN and "".join(page.text for page in pages) == SOURCE


def images(row: dict[str, Any]) -> list[bytes]:
    return [image["bytes"] for image in row["images"]]


EXPECTED = [page.png() for page in render(RICH)]
CONVERSATION = [
    {"role": "user", "content": [{"type": "document", "text": RICH}, {"type": "text", "text": "Which?"}]},
    {"role": "assistant", "content": "c"},
]
QUESTIONS = PromptRows(pages=PagesTransform(text="context", format="png"), ratio="qwen3-vl")
ASKED = {"context": RICH, "question": "Which?", "answer": ["c"], "kind": "", "decoys": []}
# What takes a text, and what must hold of a rich one.
TAKERS: dict[str, Callable[[], bool]] = {
    "render": lambda: drawn(render(RICH)),
    "layout": lambda: drawn(list(layout(RICH))),
    "layout_each": lambda: drawn(layout_each(["x", RICH])[1]),
    "Document": lambda: drawn(Document(RICH)),
    "Document.read": lambda: drawn(Document.read(RICH)),
    "Document.joined": lambda: drawn(Document.joined([(RICH, None)])),
    "pickle": lambda: drawn(pickle.loads(pickle.dumps(Document.joined([(RICH, None)])))),
    "compression_ratio": lambda: compression_ratio(RICH).rho > compression_ratio(SOURCE).rho,
    "worth_it": lambda: worth_it(RICH).ratio.rho > worth_it(SOURCE).ratio.rho,
    "fit": lambda: len(render(RICH, fit(RICH, pages=1).theta)) == 1,
    "fit_parts": lambda: drawn(fit_parts([(RICH, None, 1)], visual_tokens=10_000).document([RICH])),
    "propose": lambda: propose(RICH, model="qwen3-vl").theta.newline_marker is None,
    "auto": lambda: "".join(page.drawn_text for page in render(RICH, "auto@qwen3-vl")) == "".join(DRAWN),
    "PagesTransform": lambda: images(PAGES({"text": RICH})) == EXPECTED,
    "PagesTransform, batch": lambda: (
        [images({"images": row}) for row in PAGES({"text": [RICH]})["images"]] == [EXPECTED]
    ),
    "Prompts": lambda: images(Prompts(pages=PAGES, completion="c")({"text": RICH})) == EXPECTED,
    "Prompts, read out": lambda: (
        Prompts(pages=PAGES, completion="{text}")({"text": RICH})["completion"][0]["content"][0]["text"] == RICH.drawn
    ),
    "Conversations": lambda: images(Conversations(pages=PAGES)({"messages": CONVERSATION})) == EXPECTED,
    "PromptRows": lambda: images(QUESTIONS(ASKED)) == EXPECTED and QUESTIONS(ASKED)["ratio"] > 1,
    "PromptRows, batch": lambda: (
        [images({"images": row}) for row in QUESTIONS({name: [value] for name, value in ASKED.items()})["images"]]
        == [EXPECTED]
    ),
    "without_held_out": lambda: len(without_held_out([ASKED], 0.5)[0] + without_held_out([ASKED], 0.5)[1]) == 1,
    "rho_texts": lambda: rho_texts([RICH]) == (RICH,),
    "ReaderEvaluator": lambda: "&amp;" not in ReaderEvaluator([RICH], length=400).excerpts.excerpt(0, seed=1),
}
# Where a rich text can mean nothing.
REFUSERS: dict[str, Callable[[], Any]] = {
    "from_markdown": lambda: from_markdown(RICH),  # type: ignore[arg-type]
    "from_code": lambda: from_code(RICH, "python"),  # type: ignore[arg-type]
    "from_diff": lambda: from_diff(RICH),  # type: ignore[arg-type]
    "from_terminal": lambda: from_terminal(RICH),  # type: ignore[arg-type]
    "compressed": lambda: compressed(RICH),  # type: ignore[arg-type]
    "Page.find": lambda: render("x")[0].find(RICH),  # type: ignore[arg-type]
    "a stream": lambda: list(render(iter([RICH]))),  # type: ignore[list-item]
    "a question": lambda: Prompts(pages=PAGES, prompt="{q} {text}")({"text": "x", "q": RICH, "completion": "c"}),
    "an answer": lambda: Prompts(pages=PAGES)({"text": "x", "completion": RICH}),
    "CorpusTexts": lambda: CorpusTexts([{"text": "plain"}, {"text": RICH}]),
    "PagePolicy": lambda: PagePolicy().parts("user", RICH),  # type: ignore[arg-type]
    "PagePolicy, a context": lambda: PagePolicy().context(RICH),  # type: ignore[arg-type]
    "prompt_dataset": lambda: prompt_dataset([ASKED]),
    "split_of": lambda: split_of(RICH),  # type: ignore[arg-type]
    "a part of text": lambda: Conversations(pages=PAGES)(
        {"messages": [{"role": "user", "content": [{"type": "text", "text": RICH}]}]}
    ),
}


@pytest.mark.parametrize("name", TAKERS)
def test_what_takes_a_text_takes_rich_text(name: str) -> None:
    assert TAKERS[name]()


@pytest.mark.parametrize("name", REFUSERS)
def test_where_rich_text_can_mean_nothing_one_line_says_so(name: str) -> None:
    with pytest.raises(GlyphRenderError) as caught:
        REFUSERS[name]()
    assert "\n" not in str(caught.value)


def test_a_joined_document_of_rich_texts_grows() -> None:
    document = Document.joined([("plain\n", None), (RICH, Theta(dpi=96))])
    document.extend_text(RichText("more", [(0, 4, Style(weight=700))]))
    assert document.text == "plain\n" + SOURCE + "more"
    assert document[-1].drawn_text.endswith("more")
    assert document[-1].words[-1].styles == (Style(weight=700),)
    document.extend_text(" and more")
    assert "".join(page.text for page in document) == document.text


def test_a_long_rich_text_is_cut_where_it_can_be_sliced() -> None:
    length = RHO_TEXT
    long = RichText("a" * length + "&amp;" * 9 + "b" * length, replaced=[(length, length + 45, "&")])
    pieces = rho_texts([long, long])
    assert all(isinstance(piece, RichText) for piece in pieces)
    assert [RICH.cut_before(at) for at in (-1, 0, 10**9)] == [0, 0, len(SOURCE)]
    for at in range(0, len(SOURCE), 7):
        cut = RICH.cut_before(at)
        assert (RICH[:cut] + RICH[cut:]).source == SOURCE


def test_the_digest_tells_rich_texts_apart() -> None:
    texts = [RICH, RichText(SOURCE), RICH.styled(Style(weight=700)), RichText(SOURCE, consumed=[(0, 2)])]
    assert len({text.digest for text in texts}) == len(texts)
    assert pickle.loads(pickle.dumps(RICH)).digest == RICH.digest == from_markdown(SOURCE).digest
