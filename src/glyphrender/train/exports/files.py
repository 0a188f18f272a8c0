"""Files of rows: JSON lines, and parquet whose images the `datasets` library decodes. Equal rows give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final

from glyphrender._system.regular_file import open_regular
from glyphrender.errors import DataError, DependencyError
from glyphrender.train.exports.trainer import Size, WrittenRow, turn_problems

__all__ = ["JsonLinesWriter", "ParquetWriter", "image_size", "read_json_lines", "read_parquet", "written_row"]

# Bytes of pages after which a row group is written: a reader of one row has to skip at most this many.
_ROW_GROUP: Final = 1 << 25


class JsonLinesWriter:
    """A writer of one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, values: Mapping[str, Any]) -> None:
        """Write one object."""
        # ASCII: a lone surrogate of a text is kept, which UTF-8 could not hold.
        self._file.write(json.dumps(values) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number, from 1, and the value of each line that is not blank.

    Raises:
        DataError: the file cannot be read, or a line is not JSON.
    """
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, json.loads(line)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Name the folder of an export.", path=path
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} has a line that is not JSON ({error}). Export again.", path=path) from error


class ParquetWriter:
    """A writer of parquet with a column of images.

    Args:
        path: the file.
        columns: name → arrow type, or "images" for a list of images, or a list of the two.

    Raises:
        DependencyError: pyarrow is not installed.
    """

    def __init__(self, path: Path, columns: Mapping[str, Any]) -> None:
        arrow = pyarrow()
        features = {name: _feature(column) for name, column in columns.items()}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = arrow.schema([(name, _type(column)) for name, column in columns.items()], metadata=metadata)
        self._arrow, self._rows, self._size = arrow, list[dict[str, Any]](), 0
        # PNG is compressed already.
        self._file = arrow.parquet.ParquetWriter(
            path, self._schema, compression={"images.list.element.bytes": "none"}, write_statistics=False
        )

    def write(self, values: Mapping[str, Any]) -> None:
        """Write one row."""
        self._rows.append(dict(values))
        self._size += sum(len(image["bytes"]) for image in values["images"])
        if self._size > _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and close the file."""
        if self._rows:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._size = [], 0


def read_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number, from 1, and the values of each row.

    Raises:
        DataError: the file cannot be read.
        DependencyError: pyarrow is not installed.
    """
    arrow = pyarrow()
    try:
        with open_regular(path) as opened, arrow.parquet.ParquetFile(opened) as file:
            number = 0
            for batch in file.iter_batches(batch_size=16):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (OSError, arrow.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read ({error}). Name the folder of an export.", path=path) from error


def image_size(source: Path | bytes) -> Size:
    """Return width and height of an image, from the head of its file.

    Raises:
        DataError: there is no such file, or it is no image.
    """
    from PIL import Image

    name = source if isinstance(source, Path) else "an image of a row"
    try:
        with open_regular(source) if isinstance(source, Path) else BytesIO(source) as data, Image.open(data) as image:
            return image.size
    except FileNotFoundError:
        raise DataError(f"{name} is missing. Export again.", path=str(name)) from None
    except OSError as error:
        raise DataError(f"{name} is no image ({error}). Export again.", path=str(name)) from error


def written_row(
    place: str,
    turns: Sequence[tuple[Any, Any]],
    images: Iterable[Path | bytes],
    *,
    answered: bool = True,
    marker: str = "<image>",
) -> WrittenRow:
    """Return a row as a trainer would find it.

    Args:
        place: where it stands, for people.
        turns: role and text of each turn; None where the file has no such thing.
        images: files or bytes of its images.
        answered: whether the last turn is the answer.
        marker: stands for an image in the texts.
    """
    problems = [f"turn {number} has no known role" for number, (role, _) in enumerate(turns) if not role]
    problems += [f"turn {number} has no text" for number, (_, text) in enumerate(turns) if not isinstance(text, str)]
    problems += [] if problems else turn_problems([role for role, _ in turns], answered=answered)
    texts = [text for _, text in turns if isinstance(text, str)]
    sizes, unread = [], 0
    for image in images:
        try:
            sizes.append(image_size(image))
        except DataError as error:
            problems.append(str(error).removesuffix("."))
            unread += 1
    prompt = texts[:-1] if answered else texts
    answer = texts[-1] if texts and answered else ""
    if answered and not answer.strip():
        problems.append("the answer is empty")
    return WrittenRow(
        place=place,
        markers=sum(text.count(marker) for text in texts),
        sizes=sizes,
        unread=unread,
        prompt="".join(prompt).replace(marker, ""),
        answer=answer,
        turns=len(turns),
        problems=problems,
    )


def pyarrow() -> Any:
    """Return pyarrow with its parquet module.

    Raises:
        DependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError as error:
        raise DependencyError.of(error, "parquet needs the package pyarrow", extra="corpus") from error
    return arrow


def _type(column: Any) -> Any:
    """Return the arrow type of a column: "images", a name of a type, [element], or {field: …}."""
    arrow = pyarrow()
    if column == "images":
        image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        return arrow.list_(arrow.field("element", image))
    if isinstance(column, list):
        return arrow.list_(arrow.field("element", _type(column[0])))
    if isinstance(column, dict):
        return arrow.struct([(name, _type(each)) for name, each in column.items()])
    return getattr(arrow, column)()


def _feature(column: Any) -> Any:
    """Return the feature that the `datasets` library has for a column."""
    if column == "images":
        return {"feature": {"_type": "Image"}, "_type": "List"}
    if isinstance(column, list):
        return {"feature": _feature(column[0]), "_type": "List"}
    if isinstance(column, dict):
        return {name: _feature(each) for name, each in column.items()}
    return {"dtype": column, "_type": "Value"}
