"""What two picture files differ in, in words."""

from datetime import datetime

from simsearch.records import ImageRecord

_NS = 10**9
_UNITS = (("GB", 10**9), ("MB", 10**6), ("KB", 10**3))
_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


def facts(record: ImageRecord) -> list[tuple[str, str]]:
    """Return the name and the value of all that `differences` compares."""
    return [
        ("resolution", _resolution(record)),
        ("bytes", _rounded(record.size)),
        ("format", record.format),
        ("date", _changed(record).strftime(_DATES[0])),
    ]


def differences(record: ImageRecord, best: ImageRecord) -> list[tuple[str, str, str]]:
    """Return (name, the file's value, the best's) of each fact that differs.

    Bytes are rounded, and times of last change cut, as far as the two remain apart.
    """
    both = {
        "resolution": (_resolution(record), _resolution(best)),
        "bytes": _bytes(record.size, best.size),
        "format": (record.format, best.format),
        "date": _dates(_changed(record), _changed(best)),
    }
    return [(name, own, its) for name, (own, its) in both.items() if own != its]


def _resolution(record: ImageRecord) -> str:
    return f"{record.width}×{record.height}"  # noqa: RUF001 - the sign of resolutions


def _bytes(own: int, its: int) -> tuple[str, str]:
    rounded = _rounded(own), _rounded(its)
    return rounded if rounded[0] != rounded[1] else (f"{own:,} B", f"{its:,} B")


def _rounded(count: int) -> str:
    for unit, value in _UNITS:
        if count >= value:
            return f"{count / value:.1f} {unit}"
    return f"{count} B"


def _dates(own: datetime, its: datetime) -> tuple[str, str]:
    written = [(own.strftime(form), its.strftime(form)) for form in _DATES]
    return next((both for both in written if both[0] != both[1]), written[-1])


def _changed(record: ImageRecord) -> datetime:
    return datetime.fromtimestamp(record.mtime_ns // _NS)
