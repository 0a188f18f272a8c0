"""Loaders of MRCR, VTCBench, MMLongBench-Doc and LoCoMo, on small files in the official formats."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from glyphrender import Theta
from glyphrender.errors import DataError
from glyphrender.evals.arms import Poser, conditions_of
from glyphrender.evals.benchmarks import load_benchmark
from glyphrender.evals.item import Benchmark, Drawable, ScoredReply
from glyphrender.evals.locomo import load_locomo
from glyphrender.evals.mmlongbench import load_mmlongbench, summary_of_mmlongbench
from glyphrender.evals.mrcr import load_mrcr
from glyphrender.evals.pdf_pages import pdf_page_images, pdf_page_texts
from glyphrender.evals.runner import run
from glyphrender.evals.vtcbench import load_vtcbench
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model

EXAMPLES = (
    "Here are some examples of conversations succeeded by a follow-up question answered correctly:\n\n"
    "======EXAMPLE======\nUser: write a poem about rain\nAssistant: Rain.\n======END EXAMPLE======\n\n"
    "write a poem about tapirs"
)
MESSAGES = [
    {"role": "user", "content": EXAMPLES},
    {"role": "assistant", "content": "A tapir\nwalks."},
    {"role": "user", "content": "write a poem about tapirs"},
    {"role": "assistant", "content": "Tapirs sleep."},
    {"role": "user", "content": "Prepend aYo7 to the 2nd (1 indexed) poem about tapirs."},
]
MRCR_ROW = {
    "prompt": json.dumps(MESSAGES),
    "answer": "aYo7Tapirs sleep.",
    "random_string_to_prepend": "aYo7",
    "n_needles": 2,
    "desired_msg_index": 3,
    "total_messages": 5,
    "n_chars": 400,
    "date_added": "2025-12-05",
}
SPANS = (
    "<div class='session'><span class='timestamp'>1:56 pm on 8 May, 2023</span>"
    "<span class='dialogue' data-speaker='Ann' data-dia-id='D1:1'>Hi Bo! How&#x27;s the cat?</span>"
    "<span class='dialogue' data-speaker='Bo' data-dia-id='D1:2'>[a photo of a cat] Fine.</span></div>"
)


def rows_file(path: Path, rows: list[dict[str, Any]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def jpeg(color: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (color, 90, 10)).save(buffer, format="JPEG")
    return buffer.getvalue()


def pdf(texts: list[str], *, width: int = 200, height: int = 100) -> bytes:
    """Return a small PDF with one line of text a page."""
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in range(len(texts)))
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(texts)} /MediaBox [0 0 {width} {height}] /Resources "
        "<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
    ]
    for number, text in enumerate(texts):
        stream = f"BT /F 18 Tf 20 40 Td ({text}) Tj ET"
        parts.append(f"<< /Type /Page /Parent 2 0 R /Contents {4 + 2 * number} 0 R >>")
        parts.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    data, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{part}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(parts) + 1} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return (data + f"xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}{trailer}").encode("ascii")


def answered(benchmark: Benchmark, *replies: str) -> list[ScoredReply]:
    return [
        ScoredReply(item=item, reply=reply, score=benchmark.score(item, reply))
        for item, reply in zip(benchmark.items, replies, strict=True)
    ]


# MRCR


def test_the_official_protocol_of_mrcr_keeps_the_turns_and_the_question_as_text(tmp_path: Path) -> None:
    benchmark = load_mrcr(rows_file(tmp_path / "2needle.jsonl", [MRCR_ROW, {**MRCR_ROW, "n_needles": 8}]))
    item = benchmark.items[0]
    assert [(turn.role, turn.text) for turn in item.turns] == [(m["role"], m["content"]) for m in MESSAGES]
    assert [isinstance(turn.parts[0], Drawable) for turn in item.turns] == [True, True, True, True, False]
    assert [each.task for each in benchmark.items] == ["2needle", "8needle"]
    assert item.buckets == {"length": "below 4k"}
    assert [benchmark.score(item, reply).value for reply in ("aYo7Tapirs sleep.", "Tapirs sleep.")] == [1.0, 0.0]
    assert benchmark.score(item, "\naYo7Tapirs sleep.").value == 0.0


def test_glyphs_protocol_of_mrcr_is_one_turn_with_newlines_written_out(tmp_path: Path) -> None:
    path = rows_file(tmp_path / "2needle.jsonl", [MRCR_ROW])
    benchmark = load_mrcr(path, protocol="glyph@61afa7f")
    (turn,) = benchmark.items[0].turns
    dialogue = (
        "User: write a poem about tapirs\nAssistant: A tapir\\nwalks.\n"
        "User: write a poem about tapirs\nAssistant: Tapirs sleep."
    )
    assert turn.parts == (Drawable(dialogue), "\n" + MESSAGES[-1]["content"])
    assert benchmark.score(benchmark.items[0], " aYo7Tapirs sleep.<|user|>\n").value == 1.0
    assert benchmark.items[0].key == load_mrcr(path).items[0].key


def test_the_rows_of_glyphs_own_files_are_read_too(tmp_path: Path) -> None:
    row = {"unique_id": "mrcr_4needle_16k_32k_17", "context": "User: a\nAssistant: b", "question": "Which?"}
    row |= {"answer": "qqb", "random_string_to_prepend": "qq"}
    item = load_mrcr(rows_file(tmp_path / "p.jsonl", [row]), protocol="glyph@61afa7f").items[0]
    assert (item.task, item.buckets["length"], item.drawables) == ("4needle", "16k-32k", (row["context"],))


def test_rows_from_before_the_correction_are_named_in_the_revision(tmp_path: Path) -> None:
    old = {key: value for key, value in MRCR_ROW.items() if key != "date_added"}
    assert load_mrcr(rows_file(tmp_path / "a.jsonl", [old])).revision.endswith("-uncorrected")
    assert not load_mrcr(rows_file(tmp_path / "b.jsonl", [MRCR_ROW])).revision.endswith("-uncorrected")


def test_bins_and_tasks_of_mrcr_choose_rows_without_changing_their_keys(tmp_path: Path) -> None:
    long = [*MESSAGES[:3], {"role": "assistant", "content": "A tapir walks on. " * 1200}, MESSAGES[-1]]
    rows = [MRCR_ROW, {**MRCR_ROW, "prompt": json.dumps(long)}, {**MRCR_ROW, "n_needles": 4}, MRCR_ROW]
    path = rows_file(tmp_path / "rows.jsonl", rows)
    every = load_mrcr(path)
    chosen = load_benchmark("mrcr", [path], options={"bins": "4k-8k, 8k-16k"})
    assert [item.key for item in chosen.items] == [every.items[1].key]
    assert [item.key for item in load_mrcr(path, tasks=["4needle"]).items] == [every.items[2].key]
    assert len({item.key for item in every.items}) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": "[{"}, "prompt is not JSON"),
        ({"prompt": "[]"}, "no list of messages"),
        ({"prompt": json.dumps(MESSAGES[:2])}, "last message"),
        ({"prompt": json.dumps([{"role": "model", "content": "x"}])}, "message 1"),
        ({"prompt": json.dumps([MESSAGES[0], {"role": "system", "content": "x"}, MESSAGES[0]])}, "message 2"),
        ({"n_needles": 3}, "n_needles is 3"),
        ({"answer": 7}, "answer is 7"),
        ({"random_string_to_prepend": None}, "random_string_to_prepend"),
    ],
)
def test_a_malformed_row_of_mrcr_is_named_with_its_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = rows_file(tmp_path / "rows.jsonl", [MRCR_ROW, {**MRCR_ROW, **changes}])
    with pytest.raises(DataError, match=rf"rows.jsonl:2.*{words}"):
        load_mrcr(path)


# VTCBench


def vtcbench_rows(folder: Path) -> Path:
    rows = {
        "Retrieval": {"problem": "Which numbers for {x}?", "answers": ["7192", "8841"], "_context": "One.\nTwo 7192."},
        "Reasoning": {"problem": "Who was in Rome?", "answers": ["Ann"], "_context": "Ann lives by the Colosseum."},
        "Memory": {"problem": "How is the cat?", "answers": ["it is fine"], "_context": SPANS},
    }
    for task, row in rows.items():
        rows_file(folder / task / "test-0.jsonl", [{**row, "_source": "RULER", "_render_args": "{}"}])
    return folder


def test_the_context_of_vtcbench_is_drawn_anew_with_lines_and_speakers(tmp_path: Path) -> None:
    benchmark = load_vtcbench(vtcbench_rows(tmp_path))
    texts = {item.task: item.drawables[0] for item in benchmark.items}
    assert texts["Retrieval"] == "One.\nTwo 7192."
    assert texts["Memory"] == "1:56 pm on 8 May, 2023\nAnn: Hi Bo! How's the cat?\nBo: [a photo of a cat] Fine."
    item = next(item for item in benchmark.items if item.task == "Retrieval")
    assert (item.turns[0].role, item.turns[0].text) == ("system", "You are a helpful assistant.")
    assert item.turns[1].parts[-1].endswith("reasoning. Question: Which numbers for {x}?")
    assert (benchmark.protocol.sampling["max_tokens"], item.buckets) == (192, {"source": "RULER"})
    assert benchmark.score(item, "<think>8841</think>It is 7192.").value == 0.5


def test_two_protocols_of_vtcbench_have_two_prompts_swapped_and_evalscope_has_its_own(tmp_path: Path) -> None:
    asked = {
        protocol: {item.task: item.turns[-1].text for item in load_vtcbench(tmp_path, protocol=protocol).items}
        for protocol in ("official", "vlmevalkit", "evalscope")
        if vtcbench_rows(tmp_path)
    }
    assert "magic numbers" in asked["official"]["Reasoning"]
    assert "magic numbers" not in asked["official"]["Retrieval"]
    assert "memorizeit" in asked["vlmevalkit"]["Retrieval"]
    assert "logical inferences" in asked["vlmevalkit"]["Reasoning"]
    assert asked["evalscope"]["Retrieval"] == "One. Two 7192.\n\nQuestion:Which numbers for {x}?"
    assert asked["evalscope"]["Reasoning"].startswith("You will answer a question based on the following book snippet:")


def test_the_images_of_vtcbench_are_sent_as_they_are(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    row = {"problem": "How?", "answers": ["fine"], "_context": SPANS}
    row["images"] = [{"bytes": jpeg(200), "path": None}, {"bytes": jpeg(20), "path": None}]
    path = tmp_path / "Memory-00000-of-00001.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    item = load_vtcbench([path], protocol="official-images").items[0]
    *images, question = item.turns[1].parts
    assert question.endswith("Question: How?")
    assert [Image.open(io.BytesIO(image)).size for image in images] == [(40, 30), (40, 30)]
    pixel = Image.open(io.BytesIO(images[0])).getpixel((3, 3))
    assert pixel == Image.open(io.BytesIO(jpeg(200))).convert("RGB").getpixel((3, 3))
    assert item.drawables == ()
    assert load_vtcbench([path]).items[0].key != item.key
    with pytest.raises(DataError, match=r"Retrieval-1.jsonl:1: images is no list"):
        load_vtcbench(
            rows_file(tmp_path / "Retrieval-1.jsonl", [{**row, "images": []} | {"_context": ""}]),
            protocol="evalscope-images",
        )


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("Memory.jsonl", {"answers": []}, r"Memory.jsonl:1: answers is an empty list"),
        ("Memory.jsonl", {"answers": "fine"}, r"Memory.jsonl:1: answers"),
        ("Memory.jsonl", {"_context": "<div></div>"}, r"Memory.jsonl:1: _context holds no text"),
        ("Memory.jsonl", {"problem": 3}, r"Memory.jsonl:1: problem"),
        ("memo.jsonl", {}, r"memo.jsonl has no task in its name"),
    ],
)
def test_a_malformed_row_of_vtcbench_is_named(tmp_path: Path, name: str, changes: dict[str, Any], words: str) -> None:
    row = {"problem": "How?", "answers": ["fine"], "_context": SPANS, **changes}
    with pytest.raises(DataError, match=words):
        load_vtcbench(rows_file(tmp_path / "data" / name, [row]))


# MMLongBench-Doc

SAMPLE = {
    "doc_id": "report.pdf",
    "doc_type": "Brochure",
    "question": "How many cats?",
    "answer": "8",
    "evidence_pages": "[2]",
    "evidence_sources": "['Chart', 'Table']",
    "answer_format": "Int",
}
UNANSWERABLE = {**SAMPLE, "question": "Who?", "answer": "Not answerable", "answer_format": "None"}
UNANSWERABLE |= {"evidence_pages": "[]", "evidence_sources": "[]"}


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents/report.pdf").write_bytes(pdf(["Eight cats", "live here"]))
    (tmp_path / "samples.json").write_text(json.dumps([SAMPLE, UNANSWERABLE]), encoding="utf-8")
    return tmp_path / "samples.json"


def test_pages_of_a_pdf_are_images_at_144_dots_per_inch(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(["Eight cats", "live here", "now"]))
    images = [Image.open(io.BytesIO(data)) for data in pdf_page_images(path, most=2)]
    assert [(image.size, image.mode) for image in images] == [((400, 200), "RGB")] * 2
    assert images[0].getextrema() != images[0].crop((0, 0, 400, 80)).getextrema() == ((255, 255),) * 3
    assert pdf_page_texts(path) == ("Eight cats", "live here", "now")


def test_a_pdf_that_claims_a_huge_page_gets_a_lower_resolution(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(["x"], width=14_000, height=100))
    with Image.open(io.BytesIO(pdf_page_images(path, dpi=1440, most_pixels=14_000)[0])) as image:
        assert image.size == (1400, 10)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4 nothing", pdf(["a"])[:200]])
def test_a_file_that_is_no_pdf_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.pdf"):
        pdf_page_images(path)


def test_the_question_of_mmlongbench_comes_first_and_the_pages_after_it(samples: Path) -> None:
    benchmark = load_mmlongbench(samples)
    question, *pages = benchmark.items[0].turns[0].parts
    assert question == "How many cats?"
    assert pages == list(pdf_page_images(samples.parent / "documents/report.pdf"))
    assert benchmark.items[0].buckets == {"evidence": "one page", "format": "Int"}
    text = load_mmlongbench(samples, protocol="official-text").items[0].turns[0].parts
    assert text == ("How many cats?", "\n\n", Drawable("Eight cats\n\nlive here"))


def test_a_judge_extracts_the_answer_and_the_rules_score_it(samples: Path) -> None:
    benchmark = load_mmlongbench(samples)
    request = benchmark.follow_up(benchmark.items[0], "There are eight cats, 8.")
    assert request is not None
    assert (request.by, request.max_tokens) == ("judge", 256)
    assert request.turns[0].text.startswith("Given the question and analysis, you are tasked to extract answers")
    assert request.turns[0].text.endswith("Question:How many cats?\nAnalysis:There are eight cats, 8.\n")
    replies = ("Extracted answer: 8\nAnswer format: Integer", "Extracted answer: Fail to answer\nAnswer format: String")
    scored = answered(benchmark, *replies)
    assert [each.score.value for each in scored] == [1.0, 0.0]
    found = summary_of_mmlongbench(scored)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["accuracy"] == 0.5
    assert (found["source Chart"], found["source Table"], found["single-page"]) == (1.0, 1.0, 1.0)
    assert (found["unanswerable"], "cross-page" in found) == (0.0, False)
    assert benchmark.score(benchmark.items[0], "8").value == 0.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"doc_id": "absent.pdf"}, r"absent\.pdf is missing"),
        ({"doc_id": "../report.pdf"}, r"row 2: doc_id"),
        ({"answer_format": "Integer"}, r"row 2: answer_format='Integer' is not one of Int"),
        ({"evidence_pages": "[2"}, r"row 2: evidence_pages='\[2' is not the text of a list"),
        ({"evidence_sources": "__import__('os')"}, r"row 2: evidence_sources"),
        ({"answer": 8}, r"row 2: answer is 8"),
    ],
)
def test_a_malformed_sample_of_mmlongbench_is_named(samples: Path, changes: dict[str, Any], words: str) -> None:
    samples.write_text(json.dumps([SAMPLE, {**SAMPLE, **changes}]), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        load_mmlongbench(samples)


# LoCoMo

CONVERSATION = {
    "speaker_a": "Ann",
    "speaker_b": "Bo",
    "session_1_date_time": "1:56 pm on 8 May, 2023",
    "session_1": [
        {"speaker": "Ann", "dia_id": "D1:1", "text": "I adopted a cat."},
        {"speaker": "Bo", "dia_id": "D1:2", "text": "Nice!", "blip_caption": "a photo of a dog"},
    ],
    "session_2_date_time": "9:00 am on 1 June, 2023",
    "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "I moved to Rome."}],
}
LOCOMO = {
    "sample_id": "conv-1",
    "conversation": CONVERSATION,
    "qa": [
        {"question": "When did Ann adopt a cat?", "answer": "8 May 2023", "evidence": ["D1:1"], "category": 2},
        {"question": "Where did Ann move?", "adversarial_answer": "Rome", "evidence": ["D2:1"], "category": 5},
        {"question": "How many cats?", "answer": 1, "evidence": [], "category": 4},
    ],
}


def test_the_official_protocol_of_locomo_puts_sessions_newest_first_and_evalscope_oldest_first(tmp_path: Path) -> None:
    path = tmp_path / "locomo10.json"
    path.write_text(json.dumps([LOCOMO]), encoding="utf-8")
    official, evalscope = (load_locomo(path, protocol=protocol) for protocol in ("official", "evalscope"))
    session = 'DATE: 9:00 am on 1 June, 2023\nCONVERSATION:\nBo said, "I moved to Rome."\n\n'
    assert official.items[0].drawables[0].startswith(session)
    assert evalscope.items[0].drawables[0].endswith(session + "\n")
    assert 'Bo said, "Nice!"\n and shared a photo of a dog.\n' in official.items[0].drawables[0]
    assert [item.task for item in official.items] == ["temporal", "adversarial", "single-hop"]
    assert "approximate date. Short answer:" in official.items[0].turns[0].text
    assert [item.key for item in load_locomo(path, tasks=["single-hop"]).items] == [official.items[2].key]


def test_an_adversarial_question_of_locomo_is_right_if_the_reply_names_the_choice_of_what_was_not_said(
    tmp_path: Path,
) -> None:
    path = tmp_path / "locomo10.json"
    path.write_text(json.dumps([LOCOMO]), encoding="utf-8")
    benchmark = load_locomo(path)
    item = benchmark.items[1]
    text = item.turns[0].text
    right = "a" if "(a) Not mentioned in the conversation" in text else "b"
    assert "Rome" in text
    wrong = "ba"["ab".index(right)]
    values = [benchmark.score(item, reply).value for reply in (right, f"({right})", wrong, f"({wrong})", "Rome")]
    assert values == [1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: row.pop("conversation"), "row 1: conversation is no object"),
        (lambda row: row["conversation"].pop("session_1_date_time"), "session_1 of the conversation"),
        (lambda row: row["conversation"]["session_2"].append("hello"), "session_2 has a turn without speaker"),
        (lambda row: row["qa"][0].pop("question"), "question 1: question is missing"),
        (lambda row: row["qa"][1].update(category=6), "question 2: category is 6"),
        (lambda row: row["qa"][2].update(answer=None), "question 3: answer is None"),
        (lambda row: row.update(qa=3), "row 1: qa is no list"),
    ],
)
def test_a_malformed_conversation_of_locomo_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    row = json.loads(json.dumps(LOCOMO))
    change(row)
    path = tmp_path / "locomo10.json"
    path.write_text(json.dumps([row]), encoding="utf-8")
    with pytest.raises(DataError, match=words):
        load_locomo(path)


# All of them


@pytest.mark.parametrize("load", [load_mrcr, load_vtcbench, load_mmlongbench, load_locomo])
def test_an_unknown_protocol_or_task_is_answered_with_the_list(load: Callable[..., Benchmark], samples: Path) -> None:
    with pytest.raises(DataError, match=r"protocol='offical' is not known. Use one of: official"):
        load(samples, protocol="offical")
    with pytest.raises(DataError, match=r"task='everything' is not known. Use one of: "):
        load(samples, tasks=["everything"])
    with pytest.raises(DataError, match="one text"):
        load(samples, tasks="Memory")
    with pytest.raises(DataError):
        load([])


class Scripted:
    """A `Model` with one reply for all conversations, which counts them."""

    def __init__(self, name: str, text: str) -> None:
        self.identity: list[Any] = [name, text]
        self.asked: list[Conversation] = []

    def complete(self, conversation: Conversation, *, max_tokens: int | None = None, on_text: Any = None) -> Reply:
        self.asked.append(conversation)
        return Reply(text=self.identity[1], prompt_tokens=9, completion_tokens=9, finish_reason="stop")


@pytest.mark.slow
def test_each_benchmark_runs_with_pages_and_text_and_asks_nothing_twice(samples: Path, tmp_path: Path) -> None:
    locomo = tmp_path / "locomo10.json"
    locomo.write_text(json.dumps([LOCOMO]), encoding="utf-8")
    loaded = {
        "aYo7Tapirs sleep.": load_mrcr(rows_file(tmp_path / "m.jsonl", [MRCR_ROW]), protocol="glyph@61afa7f"),
        "It is fine, 7192, Ann.": load_vtcbench(vtcbench_rows(tmp_path / "vtc")),
        "8 May 2023": load_locomo(locomo, tasks=["temporal"]),
        "Eight cats.": load_mmlongbench(samples, protocol="official-text"),
    }
    for text, benchmark in loaded.items():
        judge = Scripted("judge", "Extracted answer: 8\nAnswer format: Integer")
        for repetition in range(2):
            model = Scripted("model", text)
            results = run(
                benchmark,
                model,
                conditions=conditions_of(["pages", "text"], [Theta()]),
                poser=Poser(vision=vision_model("glm-4.1v"), tokenizer=tokenizer("glm-4")),
                replies=tmp_path / f"{benchmark.name}.sqlite",
                judge=judge,
                concurrency=2,
            )
            assert {outcome.status for outcome in results.outcomes} == {"answered"}
            assert max(outcome.score.value for outcome in results.outcomes) == 1.0, benchmark.name
            assert len(model.asked) == (0 if repetition else 2 * len(benchmark.items))
            if not repetition:
                assert any(conversation.documents for conversation in model.asked)
        assert len(judge.asked) == (4 if benchmark.name == "mmlongbench" else 0)
