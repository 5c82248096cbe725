"""Small frozen records that cross module borders: of pictures, collections and searches."""

from dataclasses import dataclass, field
from pathlib import Path

# The same bytes; the same pixels in another file; edited from the same picture; alike.
DUPLICATE_KINDS = ("exact", "same-pixels", "copy", "similar")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file met while walking a folder.

    Attributes:
        root: the absolute folder that was walked.
        path: path below root with '/', undecodable bytes as surrogates (see os.fsdecode).
        size: bytes.
        mtime_ns: time of last change, nanoseconds since 1970.
    """

    root: str
    path: str
    size: int
    mtime_ns: int

    @property
    def full_path(self) -> str:
        """The absolute path."""
        return join_path(self.root, self.path)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One indexed picture file: a row of the collection without its vector.

    Attributes:
        id: stable for the life of the file, through edits, renames and moves.
        content_hash: SHA-256 of the file's bytes, hexadecimal.
        width, height: pixels, as stored in the file (before EXIF orientation).
        format: 'JPEG', 'PNG', ... as Pillow names it.
        label: name of the parent folder.
    """

    id: int
    path: str
    root: str
    content_hash: str
    size: int
    mtime_ns: int
    width: int
    height: int
    format: str

    @property
    def full_path(self) -> str:
        """The absolute path."""
        return join_path(self.root, self.path)

    @property
    def label(self) -> str:
        """Name of the folder that the picture lies in."""
        return Path(self.full_path).parent.name


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or folder that was skipped, and why; kind is a FailureKind's value."""

    root: str
    path: str
    kind: str
    message: str

    @property
    def full_path(self) -> str:
        """The absolute path."""
        return join_path(self.root, self.path)


@dataclass(frozen=True, slots=True)
class Neighbor:
    """One answer to a query; score is the cosine, higher is nearer, 1 is identical."""

    rank: int
    path: str
    score: float
    id: int


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The ranked neighbours of one query picture.

    Attributes:
        query: the query's path as given.
        neighbors: best first; equal scores are ordered by id.
        left_out: indexed files that were left out because their content is the query's own.
    """

    query: str
    neighbors: list[Neighbor]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two files that are tied; `kind` is one of `DUPLICATE_KINDS`."""

    a: str
    b: str
    score: float
    kind: str


@dataclass(frozen=True, slots=True)
class DuplicateMember:
    """A file of a group beside its best, and how it is tied to that.

    Attributes:
        score: cosine to the best, 1 is identical.
        kind: one of `DUPLICATE_KINDS`.
        edit: what was done to it, in words, where the second look told; else empty.
    """

    record: ImageRecord
    score: float
    kind: str
    edit: str = ""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """A best file and those tied directly to it, the strongest tie first."""

    best: ImageRecord
    others: list[DuplicateMember]

    @property
    def members(self) -> list[str]:
        """All paths, the best first."""
        return [self.best.full_path, *(other.record.full_path for other in self.others)]

    @property
    def weakest(self) -> DuplicateMember:
        """The member whose tie is the weakest."""
        return self.others[-1]

    @property
    def min_score(self) -> float:
        """The score of the weakest tie."""
        return self.weakest.score


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Tied pairs, the surest kind and the highest score first, and groups, the largest first.

    Attributes:
        threshold: lowest cosine of a pair; None where copies were looked for at a precision.
        precision: that what tells copies was chosen for; None where nothing was.
    """

    threshold: float | None
    pairs: list[DuplicatePair]
    groups: list[DuplicateGroup]
    precision: float | None = None


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The search index of a generation.

    Attributes:
        recipe: name of the recipe that built it.
        folder: its folder below the collection's `built/`.
        digest, ids_digest: SHA-256 of index.faiss and ids.npy, hexadecimal.
        bytes: size of index.faiss.
        seconds: time it took to build.
    """

    recipe: str
    folder: str
    digest: str
    ids_digest: str
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SearchTuning:
    """How hard an index searches, and what it finds by that.

    Attributes:
        effort: the recipe's setting; 0 for an exact one.
        promised: recall@k that the effort was chosen for, 0 to 1.
        measured: recall@k that it had, by cosine; None for an index from before this was kept.
        queries: how many stored pictures were asked, themselves left out of the answers.
        k: neighbours.
        vectors: how many the index had then.
    """

    effort: int = 0
    promised: float = 1.0
    measured: float | None = 1.0
    queries: int = 0
    k: int = 10
    vectors: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one index run did; the counts of paths add up to `images`.

    Attributes:
        images: readable files, one a path, of the whole collection.
        new: content embedded for the first time in this run.
        duplicates_of_content: new paths whose content another file, still there, already has.
        updated: paths whose content changed.
        moved: known content at another path, the old path gone.
        removed: paths that are gone or left out.
        unchanged: all other paths.
        failed: files that could not be read.
        interrupted: stopped by Ctrl-C; what was done is kept.
        other_files: files left out because they are no pictures.
        recovered: rows taken over from a run that was killed.
    """

    name: str
    root: list[str]
    images: int
    new: int
    duplicates_of_content: int
    updated: int
    moved: int
    removed: int
    unchanged: int
    failed: int
    seconds: float
    images_per_second: float
    encoder: str
    dim: int
    index: IndexInfo | None
    generation: int
    interrupted: bool = False
    other_files: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What `simsearch info` shows of a collection; bytes counts everything on disk.

    `recipe` and `tuning` are None while there is no index.
    """

    name: str
    folder: str
    roots: list[str]
    images: int
    contents: int
    failures: int
    encoder: str
    encoder_digest: str
    dim: int
    recipe: str | None
    tuning: SearchTuning | None
    bytes: int
    generation: int
    updated: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Result of comparing a collection's files with its manifest; no problems means sound."""

    name: str
    parts: int
    images: int
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def join_path(root: str, path: str) -> str:
    """Join a root and a path below it that is written with '/'."""
    return str(Path(root, path)) if path else root


def is_below(path: str, folder: str) -> bool:
    """Tell whether an absolute path is a folder or lies somewhere in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
