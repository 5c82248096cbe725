"""Every error simsearch raises on purpose; each message names the value and the remedy.

    SimsearchError
    ├── InputError               what was asked for can't be done as given
    │   ├── FolderError          a folder does not exist, is no folder, or holds no picture
    │   └── PictureError         one picture can't be read; has a `kind` (see below)
    ├── EncoderError             an encoder can't be found, loaded or run
    │   └── EncoderMismatchError a collection holds another encoder's vectors
    ├── TrainingError            training can't be resumed, or collapses again and again
    ├── DeviceError              the device asked for is not there
    └── CollectionError          something about a collection on disk
        ├── CollectionNotFoundError
        ├── CollectionExistsError
        ├── CollectionBusyError      another process is writing
        ├── CollectionDamagedError   a file is missing, unreadable or not what the manifest says
        ├── CollectionNewerError     a newer simsearch wrote it
        └── StorageError             no permission, disk full

The command line prints the message and exits with code 1; no other exception should reach it.
"""

from enum import StrEnum


class FailureKind(StrEnum):
    """Why a file could not be read as a picture."""

    UNREADABLE = "unreadable"  # the operating system refused: permission, I/O error, broken link
    EMPTY = "empty"  # zero bytes
    NOT_A_PICTURE = "not-a-picture"  # the suffix promises a picture, the content is none
    TRUNCATED = "truncated"  # begins as a picture and ends too early
    CORRUPT = "corrupt"  # a picture whose data can't be decoded
    TOO_LARGE = "too-large"  # more pixels or bytes than is safe to decode


class SimsearchError(Exception):
    """Base of all errors raised on purpose."""


class InputError(SimsearchError):
    """What was asked for can't be done as given."""


class FolderError(InputError):
    """A folder does not exist, is no folder, or holds no picture."""


class PictureError(InputError):
    """One picture can't be read.

    Attributes:
        kind: the reason, one of FailureKind.
    """

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class EncoderError(SimsearchError):
    """An encoder can't be found, loaded or run."""


class EncoderMismatchError(EncoderError):
    """A collection holds another encoder's vectors."""


class TrainingError(SimsearchError):
    """Training can't be resumed, or collapses again and again."""


class DeviceError(SimsearchError):
    """The device asked for is not there."""


class CollectionError(SimsearchError):
    """Something is wrong with a collection on disk."""


class CollectionNotFoundError(CollectionError):
    """No collection of that name, or none at all."""


class CollectionExistsError(CollectionError):
    """The name is taken by a collection of other folders."""


class CollectionBusyError(CollectionError):
    """Another process is writing to the collection."""


class CollectionDamagedError(CollectionError):
    """A file of the collection is missing, unreadable or not what the manifest says."""


class CollectionNewerError(CollectionError):
    """The collection was written by a newer simsearch, in a format that this one can't read."""


class StorageError(CollectionError):
    """The operating system refused to write: no permission, disk full."""
