"""What was done to a picture, in words, from how a copy lies on it."""

from simsearch.local.alignment import Alignment

_WHOLE = 0.93  # share of a picture from which all of it is there: features don't reach the edge
_STRAIGHT = 2.0  # degrees


def edit_between(found: Alignment, backwards: bool = False) -> str:
    """Return what makes the second picture of the first; '' where nothing can be seen.

    Colours, compression and size are not spoken of: an alignment does not know them.

    Args:
        backwards: what makes the first of the second.
    """
    here, there = found.covered[::-1] if backwards else found.covered
    if max(here, there) == 0:
        return ""
    # A mirror image that is turned back has to be turned the same way once more.
    turn = round(-found.turn if backwards and not found.mirrored else found.turn)
    edits = []
    if here < _WHOLE:
        edits.append(f"shows {100 * here:.0f} %")
    if there < _WHOLE:
        edits.append(f"{100 * (1 - there):.0f} % added")
    if found.mirrored:
        edits.append("mirrored")
    if abs(turn) >= _STRAIGHT:
        edits.append(f"turned by {abs(turn)}° {'clockwise' if turn > 0 else 'anticlockwise'}")
    return ", ".join(edits)
