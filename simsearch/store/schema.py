"""The columns of a part, and the conversion between rows and Arrow."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simsearch.records import Failure, ImageRecord
from simsearch.store.paths import decode_path, encode_path

Half = npt.NDArray[np.float16]

EMBEDDING = "embedding"
ROW_COLUMNS = [
    "id",
    "path",
    "root",
    "content_hash",
    "size",
    "mtime_ns",
    "width",
    "height",
    "format",
    "label",
]  # all but the embedding

FAILURE_SCHEMA = pa.schema([(name, pa.string()) for name in ("root", "path", "kind", "message")])


def part_schema(dim: int) -> pa.Schema:
    """Return the schema of a part: a row an image, its vector as float16 [dim]."""
    return pa.schema(
        [
            ("id", pa.int64()),
            ("path", pa.string()),
            ("root", pa.string()),
            ("content_hash", pa.string()),
            ("size", pa.int64()),
            ("mtime_ns", pa.int64()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("format", pa.string()),
            ("label", pa.string()),
            (EMBEDDING, pa.list_(pa.float16(), dim)),
        ]
    )


def rows_to_table(records: Sequence[ImageRecord], vectors: Half) -> pa.Table:
    """Join records and their vectors, float16 [n, dim], to a table of `part_schema`."""
    dim = vectors.shape[1]
    columns = [
        pa.array([r.id for r in records], pa.int64()),
        pa.array([encode_path(r.path) for r in records], pa.string()),
        pa.array([encode_path(r.root) for r in records], pa.string()),
        pa.array([r.content_hash for r in records], pa.string()),
        pa.array([r.size for r in records], pa.int64()),
        pa.array([r.mtime_ns for r in records], pa.int64()),
        pa.array([r.width for r in records], pa.int32()),
        pa.array([r.height for r in records], pa.int32()),
        pa.array([r.format for r in records], pa.string()),
        pa.array([encode_path(r.label) for r in records], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), dim),
    ]
    return pa.table(columns, schema=part_schema(dim))


def table_to_records(table: pa.Table) -> list[ImageRecord]:
    """Return the records of a table that has ROW_COLUMNS."""
    columns = (table.column(name).to_pylist() for name in ROW_COLUMNS[:-1])
    return [
        ImageRecord(id_, decode_path(path), decode_path(root), *rest)
        for id_, path, root, *rest in zip(*columns, strict=True)
    ]


def table_to_vectors(table: pa.Table | pa.RecordBatch) -> Half:
    """Return the embedding column as float16 [n, dim]; the shape holds for no rows too."""
    column = table.column(EMBEDDING)
    dim = column.type.list_size
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    values = column.flatten().to_numpy(zero_copy_only=False)
    vectors: Half = values.astype(np.float16, copy=False).reshape(-1, dim)
    return vectors


def failures_to_table(failures: Sequence[Failure]) -> pa.Table:
    """Return failures as a table of FAILURE_SCHEMA."""
    return pa.table(
        [
            [encode_path(f.root) for f in failures],
            [encode_path(f.path) for f in failures],
            [f.kind for f in failures],
            [f.message.encode(errors="backslashreplace").decode() for f in failures],
        ],
        schema=FAILURE_SCHEMA,
    )


def table_to_failures(table: pa.Table) -> list[Failure]:
    """Return the failures of a table of FAILURE_SCHEMA."""
    return [
        Failure(decode_path(row["root"]), decode_path(row["path"]), row["kind"], row["message"])
        for row in table.to_pylist()
    ]
