"""What the store's property tests draw from: paths, records, failures, specs."""

import os

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simsearch.config import EncoderSpec, Preprocessing
from simsearch.errors import FailureKind
from simsearch.records import Failure, ImageRecord

DIM = 3
SPEC = EncoderSpec("made", "digest", DIM, Preprocessing())

INT64 = st.integers(-(2**63), 2**63 - 1)
INT32 = st.integers(0, 2**31 - 1)
PRIVATE = st.characters(min_codepoint=0xEF7E, max_codepoint=0xF001)

file_names = st.one_of(
    st.binary(min_size=1).map(os.fsdecode),
    st.lists(st.one_of(PRIVATE, st.binary(min_size=1, max_size=3).map(os.fsdecode))).map("".join),
).map(lambda name: os.fsdecode(os.fsencode(name)))
paths = st.lists(file_names.map(lambda name: name.replace("\0", "-")), max_size=3).map("/".join)
text = st.text(st.characters(codec="utf-8"))
vectors = hnp.arrays(np.float16, DIM, elements=st.floats(-1, 1, width=16))
records = st.builds(
    ImageRecord,
    id=INT64,
    path=paths,
    root=paths.map(lambda path: "/" + path),
    content_hash=text,
    size=INT64,
    mtime_ns=INT64,
    width=INT32,
    height=INT32,
    format=text,
)
rows = st.lists(st.tuples(records, vectors), max_size=12, unique_by=lambda row: row[0].id)
failures = st.lists(
    st.builds(Failure, root=paths, path=paths, kind=st.sampled_from(FailureKind), message=text)
)
