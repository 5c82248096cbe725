"""The figures of a training report as HTML: those that matter in tiles, all others in tables."""

from collections.abc import Mapping
from typing import Any

from simsearch.metrics import eer, roc_auc
from simsearch.records.labelled import TrainingResult
from simsearch.report.page import section, text

STYLE = """.tiles { display: grid; gap: .75rem; margin: 0;
     grid-template-columns: repeat(auto-fit, minmax(min(100%, 10rem), 1fr)); }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
     padding: .6rem .75rem; min-width: 0; }
.tiles dt { font-size: .85rem; color: var(--quiet); }
.tiles dd { margin: 0; font-size: 1.15rem; font-weight: 600; white-space: nowrap;
     font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; white-space: normal; font-size: .8rem; font-weight: 400;
     color: var(--quiet); }
.tables { display: grid; gap: 1.25rem;
     grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
table { border-collapse: collapse; width: 100%; font-size: .85rem; table-layout: fixed; }
caption { text-align: left; font-weight: 600; font-size: .9rem; padding-bottom: .3rem; }
th, td { text-align: left; font-weight: 400; padding: .25rem .5rem .25rem 0; vertical-align: top;
     border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--quiet); }
"""


def headline_section(result: TrainingResult) -> str:
    """Return what training brought."""
    epochs = max((row["epoch"] for row in result.history), default=0)
    kept = str(result.best_epoch) if result.best_epoch else "start"
    tiles = [
        _change(result, "map_at_r", "MAP@R"),
        _change(result, "recall_at_1", "recall@1"),
        _tile("kept epoch", kept, f"of {epochs}, in {_duration(result.seconds)}"),
        *_verification(result),
    ]
    note = ""
    if epochs and not result.best_epoch:
        note = _note(
            "No epoch was better than what training began with, so that is what was kept. "
            "More pictures, more epochs or another learning rate may help."
        )
    return section(
        "Before and after",
        "retrieval on validation classes, verification on calibration pairs, none trained on",
        f'<dl class="tiles">{"".join(tiles)}</dl>{note}',
    )


def tables_section(result: TrainingResult) -> str:
    """Return every setting and version, the split and the calibration."""
    found = result.calibration
    calibration = {
        "slope": f"{found.slope:.6g}",
        "intercept": f"{found.intercept:.6g}",
        **{f"cosine at FAR {far:.6g}": f"{cut:.4f}" for far, cut in found.thresholds.items()},
        "same pairs": f"{found.same_pairs:,}",
        "different pairs": f"{found.different_pairs:,}",
        "classes": f"{found.classes:,}",
    }
    split = {
        name: f"{part.get('pictures', 0):,} pictures, {part.get('classes', 0):,} classes"
        for name, part in result.split.items()
    }
    settings = {
        name: "not given: the network's own" if value is None else str(value)
        for name, value in result.settings.items()
    }
    tables = [
        _table("Settings", {"out": result.out, **settings}),
        _table("Versions", result.versions) + "<br>" + _table("Split by class", split),
        _table("Calibration", calibration),
    ]
    columns = "".join(f"<div>{table}</div>" for table in tables)
    return section("Settings and versions", "", f'<div class="tables">{columns}</div>')


def _change(result: TrainingResult, name: str, label: str) -> str:
    """Return a tile of a figure before and after training."""
    rows = [row for row in result.history if name in row]
    kept = [row for row in rows if row["epoch"] == result.best_epoch]
    before, after = (f"{found[0][name]:.3f}" if found else "?" for found in (rows, kept[-1:]))
    detail = "before → after, higher is better"
    return _tile(label, f"{before} → {after}", detail)


def _verification(result: TrainingResult) -> list[str]:
    same, different = result.same_scores, result.different_scores
    if not len(same) or not len(different):
        return []
    pairs = f"{len(same):,} same and {len(different):,} different pairs"
    return [
        _tile(
            "equal error rate", f"{eer(same, different):.1%}", f"after; lower is better; {pairs}"
        ),
        _tile("AUC", f"{roc_auc(same, different):.4f}", "after; higher is better; the same pairs"),
    ]


def _tile(label: str, value: str, detail: str) -> str:
    return f"<div><dt>{text(label)}</dt><dd>{text(value)}<small>{text(detail)}</small></dd></div>"


def _note(message: str) -> str:
    return f'<p class="note">{text(message)}</p>'


def _table(caption: str, rows: Mapping[str, Any]) -> str:
    cells = "\n".join(
        f'<tr><th scope="row">{text(name)}</th><td>{text(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<table><caption>{text(caption)}</caption>\n{cells}\n</table>"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
