"""How long something will take, measured first and then said."""

MEASURED = 5.0  # seconds of work before the rest is estimated
LONG = 30.0  # seconds from which on a run is announced


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"
