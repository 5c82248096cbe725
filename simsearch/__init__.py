"""Find look-alikes and duplicates in any pile of pictures.

    from simsearch import Collection

    photos = Collection("photos")
    photos.add("./photos")
    for neighbor in photos.query("photo.png", k=10):
        print(neighbor.score, neighbor.path)

Importing this package imports neither torch nor faiss nor pyarrow; that happens at first use.
"""

TYPE_CHECKING = False  # what type checkers take for true: `typing` itself is too slow to start with
if TYPE_CHECKING:
    from simsearch.collection.api import Collection as Collection
    from simsearch.collection.verifying import verify as verify
    from simsearch.config import EncoderSpec as EncoderSpec
    from simsearch.config import Preprocessing as Preprocessing
    from simsearch.config import Selection as Selection
    from simsearch.errors import SimsearchError as SimsearchError
    from simsearch.records import DuplicateGroup as DuplicateGroup
    from simsearch.records import DuplicatePair as DuplicatePair
    from simsearch.records import Duplicates as Duplicates
    from simsearch.records import Failure as Failure
    from simsearch.records import ImageRecord as ImageRecord
    from simsearch.records import Neighbor as Neighbor
    from simsearch.records import QueryResult as QueryResult
    from simsearch.records import SyncReport as SyncReport
    from simsearch.records.labelled import ClassScore as ClassScore
    from simsearch.records.labelled import Identification as Identification
    from simsearch.records.labelled import Verification as Verification

__version__ = "0.1.0"

_HOMES = {
    "ClassScore": "records.labelled",
    "Collection": "collection.api",
    "DuplicateGroup": "records",
    "DuplicatePair": "records",
    "Duplicates": "records",
    "EncoderSpec": "config",
    "Failure": "records",
    "Identification": "records.labelled",
    "ImageRecord": "records",
    "Neighbor": "records",
    "Preprocessing": "config",
    "QueryResult": "records",
    "Selection": "config",
    "SimsearchError": "errors",
    "SyncReport": "records",
    "Verification": "records.labelled",
    "verify": "collection.verifying",
}
__all__ = [
    "ClassScore",
    "Collection",
    "DuplicateGroup",
    "DuplicatePair",
    "Duplicates",
    "EncoderSpec",
    "Failure",
    "Identification",
    "ImageRecord",
    "Neighbor",
    "Preprocessing",
    "QueryResult",
    "Selection",
    "SimsearchError",
    "SyncReport",
    "Verification",
    "__version__",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'simsearch' has no attribute '{name}'")
    from importlib import import_module

    value: object = getattr(import_module(f"simsearch.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
