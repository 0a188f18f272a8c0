"""The right face draws each text: scripts, emoji, regional forms of Han, and one face per grapheme cluster."""

import time
from itertools import pairwise

import numpy as np
import pytest
from box_fonts import BOXES, box_font
from hypothesis import given
from hypothesis import strategies as st

from glyphrender.errors import FontError
from glyphrender.fonts import MISSING, FontStack, font_stack
from glyphrender.fonts import library as library_module
from glyphrender.fonts.stack import cjk_region
from glyphrender.text.grapheme import cluster_starts


def characters(text: str) -> np.ndarray:
    return np.fromiter(map(ord, text), np.uint32, len(text))


def assign(stack: FontStack, text: str) -> list[int]:
    cps = characters(text)
    faces = stack.assign(cps, cluster_starts(cps))
    assert faces.dtype == np.uint8
    assert faces.shape == cps.shape
    return faces.tolist()


def families(stack: FontStack, text: str) -> list[str | None]:
    """Return the families that are used, in order of first use."""
    return [None if face == MISSING else stack.faces[face].family for face in dict.fromkeys(assign(stack, text))]


# "All human beings are born free and equal in dignity and rights", or its beginning.
SENTENCES = {
    "Noto Sans Armenian": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար",
    "Noto Sans Arabic": "يولد جميع الناس أحرارًا متساوين في الكرامة",
    "Noto Sans Hebrew": "כל בני האדם נולדו בני חורין ושווים",
    "Noto Sans Devanagari": "सभी मनुष्यों को गौरव और अधिकारों के मामले में",
    "Noto Sans Bengali": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা",
    "Noto Sans Gurmukhi": "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ",
    "Noto Sans Gujarati": "પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો",
    "Noto Sans Tamil": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே",
    "Noto Sans Telugu": "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును",
    "Noto Sans Kannada": "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಹುಟ್ಟಿದ್ದಾರೆ",
    "Noto Sans Malayalam": "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും",
    "Noto Sans Sinhala": "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත",
    "Noto Sans Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน",
    "Noto Sans Lao": "ມະນຸດທຸກຄົນເກີດມາມີກຽດສັກສີ",
    "Noto Serif Tibetan": "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས",
    "Noto Sans Myanmar": "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့်",
    "Noto Sans Khmer": "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាព",
    "Noto Sans Georgian": "ყველა ადამიანი იბადება თავისუფალი",
    "Noto Sans Ethiopic": "የሰው ልጅ ሁሉ ሲወለድ ነጻና",
    "Noto Sans Cherokee": "ᏂᎦᏓ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ",
    "Noto Sans Mongolian": "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ",
    "Noto Sans Yi": "ꊿꂷꃅꄿꐨꐥ",
    "Noto Sans CJK SC": "人人生而自由，在尊严和权利上一律平等。すべての人間は모든 인간은",
}


@pytest.mark.parametrize("family, sentence", SENTENCES.items(), ids=SENTENCES)
def test_each_script_is_drawn_whole_by_its_own_font(family, sentence):
    # Spleen has only Latin, and spaces take the primary face.
    assert set(families(font_stack("Spleen"), sentence)) <= {family, "Spleen 8x16"}
    assert families(font_stack("Spleen"), sentence.split()[0]) == [family]


@pytest.mark.parametrize("sentence", ["Plain English.\n", "ünïcödé «Ελληνικά» кириллица", "→ ∑ √ ½ ™ ☃", ""])
def test_what_the_primary_covers_is_all_its(sentence):
    assert set(assign(font_stack("DejaVu Sans"), sentence)) <= {0}


def test_latin_without_a_latin_primary_is_noto_sans():
    assert families(font_stack("Noto Sans Thai"), "Ж") == ["Noto Sans"]


@pytest.mark.parametrize(
    "cluster",
    ["😀", "👩‍⚕️", "👩‍⚕", "🇫🇷", "1️⃣", "5\u20e3", "#\u20e3", "❤️", "👍🏽", "☝🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👨‍👩‍👧‍👦", "©️", "⌚"],
)
def test_emoji_clusters_are_one_face_the_emoji_one(cluster):
    for stack in (font_stack("DejaVu Sans"), font_stack("Spleen")):
        assert set(assign(stack, cluster)) == {stack.emoji}
        assert stack.faces[stack.emoji].family == "Noto Emoji"


@pytest.mark.parametrize("cluster", ["❤", "❤︎", "⌚︎", "☝", "©", "1", "☎︎", "😀︎", "5\ufe0e\u20e3", "a\u20e3"])
def test_text_presentation_keeps_to_text_fonts(cluster):
    stack = font_stack("DejaVu Sans")
    assert stack.emoji not in assign(stack, cluster)


def test_a_mark_the_primary_lacks_takes_its_base_along():
    stack = font_stack("Spleen")
    assert len(set(assign(stack, "x\u1ab0"))) == 1
    assert families(stack, "ax\u1ab0b") == ["Spleen 8x16", "Noto Sans"]


def test_a_decomposed_letter_is_drawn_by_the_font_that_has_it_composed():
    assert assign(font_stack("Spleen"), "cafe\u0301") == [0] * 5


def test_users_fallbacks_are_asked_in_their_order_before_the_bundle(tmp_path):
    path = tmp_path / "thai.ttf"
    box_font({0xE01: ((0, 0, 500, 500), 600), 0x3B1: ((0, 0, 500, 500), 600)}, family="Thai Boxes").save(path)
    stack = font_stack("Spleen", fallback=(str(BOXES), str(path)))
    assert [face.family for face in stack.faces[:3]] == ["Spleen 8x16", "Boxes", "Thai Boxes"]
    assert stack.named_by_user == 3
    assert assign(stack, "aאก一α") == [0, 1, 2, 1, 2]
    # The box font lacks U+0E34, so the cluster takes a face that has both characters.
    assert families(stack, "ก\u0e34") == ["Noto Sans Thai"]


def test_a_bundled_font_that_the_user_names_is_in_the_stack_once():
    stack = font_stack("Noto Sans Thai", fallback=("Noto Sans", "Noto Sans"))
    assert [face.family for face in stack.faces[:3]] == ["Noto Sans Thai", "Noto Sans", "Noto Emoji"]
    assert stack.named_by_user == 2
    assert len(set(stack.faces)) == len(stack.faces)


@pytest.mark.parametrize(
    "language, region",
    [
        ("", None), ("en", None), ("vi-Latn", None), ("chi", "SC"), ("zho-Hant", "TC"),
        ("zh", "SC"), ("zh-CN", "SC"), ("zh-Hans", "SC"), ("zh_Hans_HK", "SC"),
        ("zh-Hant", "TC"), ("zh-TW", "TC"), ("zh-hk", "HK"), ("zh-Hant-HK", "HK"), ("zh-MO", "HK"),
        ("yue", "HK"), ("yue-Hans", "SC"), ("ja", "JP"), ("ja-JP", "JP"), ("JA", "JP"), ("ko", "KR"),
        ("jpn", "JP"), ("ja-Jpan-JP", "JP"), ("kor", "KR"), ("ko-Kore", "KR"), ("cmn-Hant", "TC"), ("cmn", "SC"),
        ("und-Jpan", "JP"), ("und-Hant-HK", "HK"), ("nan", "TC"),
    ],
)  # fmt: skip
def test_language_chooses_the_regional_form_of_han(language, region):
    assert cjk_region(language) == region
    stack = font_stack("DejaVu Sans", language=language)
    assert families(stack, "直骨") == [f"Noto Sans CJK {region or 'SC'}"]
    assert assign(stack, "直骨") == assign(font_stack("DejaVu Sans"), "直骨")


def test_unifont_is_the_last_resort_and_beyond_it_nothing():
    stack = font_stack("DejaVu Sans")
    assert families(stack, "\u312f") != [None]
    assert families(stack, "\U00011f04") == ["Unifont Upper"]  # KAWI, Unicode 15: no Noto font of 2020
    assert set(assign(stack, "\ud800\U0010ffff\u0378")) == {MISSING}
    assert assign(stack, "a\ud800") == [0, MISSING]


def test_ignorable_characters_never_need_a_face():
    stack = font_stack("Spleen")
    assert assign(stack, "\u200d") == [0]
    assert assign(stack, "a\u200db\ufe00\u00ad\u2060\ufeffc\U000e0100") == [0] * 9
    assert len(set(assign(stack, "क्\u200dष"))) == 1
    assert assign(stack, "a\u2003\u3000\u00a0\tb\r\nc") == [0] * 9


def test_color_emoji_are_those_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(library_module, "system_folders", list)
    (tmp_path / "without").mkdir()
    (tmp_path / "with").mkdir()
    box_font({0x1F600: ((0, 0, 800, 800), 1000)}, family="Noto Color Emoji").save(tmp_path / "with/c.ttf")
    monkeypatch.setenv("GLYPHRENDER_FONTS", str(tmp_path / "without"))
    with pytest.raises(FontError, match="emoji='color' needs an installed font"):
        font_stack("DejaVu Sans", emoji="color")
    monkeypatch.setenv("GLYPHRENDER_FONTS", str(tmp_path / "with"))
    stack = font_stack("DejaVu Sans", emoji="color")
    assert families(stack, "😀") == ["Noto Color Emoji"]
    # The bundled emoji font draws the emoji that the named font lacks.
    assert families(stack, "🫠") == ["Noto Emoji"]


def test_too_many_fallbacks_are_refused(tmp_path):
    paths = [tmp_path / f"{number}.ttf" for number in range(120)]
    for path in paths:
        path.write_bytes(BOXES.read_bytes())
    with pytest.raises(FontError, match="fallback names 120 fonts"):
        font_stack("DejaVu Sans", fallback=tuple(map(str, paths)))


def test_the_digest_covers_files_order_region_and_emoji(tmp_path):
    calls = [
        ("DejaVu Sans", {}),
        ("DejaVu Sans", {"weight": 700}),
        ("DejaVu Sans", {"language": "ja"}),
        ("DejaVu Sans", {"fallback": ("Inter", "Noto Sans")}),
        ("DejaVu Sans", {"fallback": ("Noto Sans", "Inter")}),
        (str(BOXES), {}),
    ]
    digests = [font_stack(primary, **arguments).digest for primary, arguments in calls]
    assert len(set(digests)) == len(digests)
    copy = tmp_path / "another-name.ttf"
    copy.write_bytes(BOXES.read_bytes())
    assert font_stack(str(copy)).digest == digests[-1]


TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("aé क्ष ก\u0e34\u0301\u200d\ufe0f\ufe0e👩🏽🇫🇷1\u20e3日한\r\n\u0378\ud800"),
    ),
    max_size=24,
)


@pytest.mark.slow
@given(TEXTS)
def test_clusters_are_whole_covered_and_independent_of_what_came_before(text):
    stack, cps = font_stack("Spleen", fallback=("Noto Sans Thai",)), characters(text)
    starts = cluster_starts(cps)
    faces = stack.assign(cps, starts)
    bounds = [*np.flatnonzero(starts), len(cps)]
    for first, last in pairwise(bounds):
        cluster, numbers = cps[first:last], set(faces[first:last].tolist())
        assert len(numbers) == 1
        (number,) = numbers
        alone = stack.assign(cluster, np.arange(last - first) == 0)
        assert set(alone.tolist()) == numbers
        if number == MISSING:
            assert not any(face.covers(cluster).any() for face in stack.faces[: stack.named_by_user])
        elif number > 0:
            assert stack.faces[number].covers(cluster).any()
        if stack.faces[0].covers(cluster).all():
            assert number == 0 or 0xFE0F in cluster or number == stack.emoji


def test_a_chunk_is_one_lookup_and_a_stack_is_cheap():
    cps = characters("The quick brown fox jumps over the lazy dog.\n" * 20_000)
    starts = np.ones(len(cps), np.bool_)
    stack = font_stack("DejaVu Sans")
    begin = time.thread_time()
    stack.assign(cps, starts)
    assert time.thread_time() - begin < 0.1  # 2 ms of CPU: 2 ns a character


def test_clusters_have_the_same_faces_together_and_one_by_one():
    bases = "ax9é一가\u0915\u0e01\u0628\u0710\u2615😀\u25cc\ue000\U000e1234\u2196"
    marks = [
        "",
        "\u0301",
        "\u0323\u0301",
        "\u0654",
        "\u093c",
        "\u0e31",
        "\u1ab0",
        "\u20e3",
        "\ufe0f",
        "\ufe0e",
        "\u0345" * 40,
    ]
    clusters = [base + mark for base in bases for mark in marks]
    together, alone = font_stack("Spleen", fallback=("Inter",)), font_stack("Spleen", fallback=("Inter",))
    cps = characters("".join(clusters))
    starts = np.zeros(len(cps), bool)
    starts[np.cumsum([0, *map(len, clusters[:-1])])] = True
    faces = together.assign(cps, starts).tolist()
    for cluster in clusters:
        one = alone.assign(characters(cluster), np.arange(len(cluster)) == 0).tolist()
        assert faces[: len(cluster)] == one, ascii(cluster)
        del faces[: len(cluster)]
