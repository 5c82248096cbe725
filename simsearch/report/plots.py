"""Line drawings as inline SVG that take their colours from the page, so light and dark both work.

matplotlib draws with stand-in colours; in the SVG text they become the page's CSS variables.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simsearch.report.page import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, LINE = "#0000a1", "#0000a2", "#0000a3"
FIRST, SECOND, WRONG, MARK = "#0000a4", "#0000a5", "#0000a6", "#0000a7"
_VARIABLES = {
    INK: "ink",
    QUIET: "quiet",
    LINE: "line",
    FIRST: "first",
    SECOND: "second",
    WRONG: "wrong",
    MARK: "mark",
}
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: smaller, sharper, and it can be read aloud
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
}
_INCHES = (4.8, 3.1)


def plot(title: str, caption: str, draw: "Callable[[Axes], None]") -> str:
    """Return a plot as an HTML figure that scales with its place.

    Args:
        title, caption: plain text over and under the plot; no two plots of a page share a title.
        draw: draws on matplotlib's axes, in the colours of this module only.
    """
    return (
        f"<figure><h3>{text(title)}</h3>{_svg(title, draw)}"
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def _svg(title: str, draw: "Callable[[Axes], None]") -> str:
    import io

    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with mpl.rc_context():
        mpl.rcdefaults()  # a user's own style might need LaTeX, or colours that dark hides
        mpl.rcParams.update({**_RC, "svg.hashsalt": title})
        figure = Figure(figsize=_INCHES, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return _inline(buffer.getvalue(), title)


def _inline(svg: str, title: str) -> str:
    """Turn an SVG file into an element of a page: no prolog, no fixed size, the page's colours."""
    svg = svg[svg.index("<svg") :]
    box = re.search(r'viewBox="[^"]+"', svg)
    head = f'<svg role="img" aria-label="{text(title)}" {box[0] if box else ""}>'
    svg = head + svg[svg.index(">") + 1 :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg).replace("xlink:href", "href")
    svg = re.sub(r"font-family: [^;\"]*;? ?|font: ([\d.]+px) [^;\"]*", _only_size, svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg.strip()


def _only_size(match: re.Match[str]) -> str:
    return f"font-size: {match[1]}" if match[1] else ""
