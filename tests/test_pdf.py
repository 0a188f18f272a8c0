"""Documents as PDFs, read back by another library: the same pixels, at the right size, all of them or nothing."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from glyphrender import DataError, DependencyError, LayoutError, Theta, render

pikepdf = pytest.importorskip("pikepdf")
SMALL = Theta(page_size=(120, 60), margin_x=4, margin_y=4)
TEXT = "In the beginning was the Word, and the Word was with God. " * 20


def images(path: Path) -> list[object]:
    with pikepdf.open(path) as pdf:
        found = []
        for page in pdf.pages:
            (image,) = page.obj.Resources.XObject.values()
            found.append((pikepdf.PdfImage(image).as_pil_image(), [float(side) for side in page.mediabox]))
        return found


@pytest.mark.parametrize(
    ("theta", "bits", "mode"),
    [
        (SMALL, None, "L"),
        (SMALL.replace(dpi=144), 1, "1"),
        (SMALL.replace(antialias=False), None, "1"),
        (SMALL.replace(font_color="#0000FF"), None, "RGB"),
    ],
    ids=["grey", "one bit", "without greys", "color"],
)
def test_a_pdf_holds_the_pixels_at_the_size_of_the_pages(
    tmp_path: Path, theta: Theta, bits: int | None, mode: str
) -> None:
    document = render(TEXT, theta)
    manifest = document.save(tmp_path / "book.pdf", bits=bits)
    assert [path.name for path in tmp_path.iterdir()] == ["book.pdf"]
    assert manifest["bytes"] == (tmp_path / "book.pdf").stat().st_size
    found = images(tmp_path / "book.pdf")
    assert len(found) == len(document) == len(manifest["pages"]) > 5
    for (image, box), page in zip(found, document, strict=True):
        assert image.mode == mode
        pixels = np.asarray(image.convert("L") if mode == "1" else image)
        assert np.array_equal(pixels, page.array if bits is None else np.where(page.array > 127, 255, 0))
        assert box == pytest.approx([0, 0, page.size[0] * 72 / theta.dpi, page.size[1] * 72 / theta.dpi], abs=0.01)


@pytest.mark.parametrize("bits", [2, 4])
def test_greys_of_fewer_bits_stay(tmp_path: Path, bits: int) -> None:
    from PIL import Image

    document = render(TEXT, SMALL)
    document.save(tmp_path / "book.pdf", bits=bits)
    with pikepdf.open(tmp_path / "book.pdf") as pdf:
        for page, own in zip(pdf.pages, document, strict=True):
            (image,) = page.obj.Resources.XObject.values()
            assert image.BitsPerComponent == bits
            with Image.open(io.BytesIO(own.png(bits=bits))) as png:
                assert np.array_equal(
                    np.asarray(pikepdf.PdfImage(image).as_pil_image().convert("L")), np.asarray(png.convert("L"))
                )


@pytest.mark.slow
def test_a_pdf_is_the_same_bytes_each_time_by_processes_and_from_a_stream(tmp_path: Path) -> None:
    text = TEXT * 40
    first = render(text, SMALL).save(tmp_path / "a.pdf")
    second = render(text, SMALL).save(tmp_path / "b", format="pdf", jobs=2)
    third = render(iter([text]), SMALL).save(tmp_path / "c.PDF")
    data = (tmp_path / "a.pdf").read_bytes()
    assert data == (tmp_path / "b").read_bytes() == (tmp_path / "c.PDF").read_bytes()
    for manifest in (first, second, third):
        del manifest["file"]
    assert first == second == third


def test_an_earlier_pdf_stays_if_the_new_one_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    render("before").save(path)
    before = path.read_bytes()
    with pytest.raises(LayoutError):
        render(TEXT, SMALL, max_pages=2).save(path)
    with pytest.raises(DataError, match="would have no pages"):
        render("").save(path)
    assert path.read_bytes() == before
    render("after").save(path)
    assert path.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == ["a.pdf"]


def test_formats_and_places_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"format='jpg' is unknown. Use png, npy, pdf"):
        render("a").save(tmp_path / "x", format="jpg")
    with pytest.raises(DataError, match="format='npy' writes a directory"):
        render("a").save(tmp_path / "x.pdf", format="npy")
    with pytest.raises(DataError, match="folder is a directory"):
        render("a").save(tmp_path / "folder", format="pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_pdf_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "img2pdf", None)
    with pytest.raises(DependencyError, match=r"Install the extra pdf \(in a clone of .*: pip install '\.\[pdf\]'\)"):
        render("a").save(tmp_path / "deep" / "a.pdf")
    assert list(tmp_path.iterdir()) == []
