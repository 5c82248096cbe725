"""The report of a training run: report.html in the checkpoint's folder."""

from functools import cache
from pathlib import Path

from simsearch.errors import StorageError
from simsearch.records.labelled import TrainingResult
from simsearch.report import example_cards, figures
from simsearch.report.example_cards import Shown, hardest_section, query_section, triplet_section
from simsearch.report.examples import sample_rows
from simsearch.report.figures import headline_section, tables_section
from simsearch.report.history_plots import collapses, history_plots
from simsearch.report.page import page, picture, section, text
from simsearch.report.score_plots import score_plots

FILE = "report.html"
_SIDE = 160

_STYLE = """h3 { font-size: .9rem; margin: 0 0 .4rem; }
p.note { border-left: 3px solid var(--wrong); padding: .1rem 0 .1rem .75rem; margin: .75rem 0 0;
     font-size: .9rem; overflow-wrap: anywhere; }
.plots { display: grid; gap: 1.25rem; }
.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg * { stroke-linejoin: round; }
figcaption { font-size: .8rem; color: var(--quiet); }
"""


def write_training_report(result: TrainingResult) -> Path:
    """Write report.html, which needs nothing else to be read, into `result.out`; return its path.

    Pictures that can't be read any more are shown as empty frames. Where there are many validation
    pictures, the examples are taken from a seeded sample of 2,000.

    Raises:
        StorageError: the report can't be written.
    """
    path = Path(result.out) / FILE
    whole = _page(result)
    try:
        path.write_text(whole, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"can't write '{path}': {error.strerror}; the encoder is complete: free some space, or "
            "allow writing there, to have its report"
        ) from error
    return path


def _page(result: TrainingResult) -> str:
    shown = _shown(result)
    summary = (
        "What the encoder learned, how well it does on classes that it never saw, and where it "
        "still fails."
    )
    if len(shown.paths) < len(result.paths):
        summary += (
            f" Examples are taken from {len(shown.paths):,} of the {len(result.paths):,} "
            "validation pictures."
        )
    sections = [
        headline_section(result),
        _history(result),
        _scores(result),
        hardest_section(shown, result.calibration),
        triplet_section(shown),
        query_section(shown),
        tables_section(result),
    ]
    style = _STYLE + figures.STYLE + example_cards.STYLE
    return page(
        f"simsearch: training of {Path(result.out).absolute().name}", summary, sections, style
    )


def _shown(result: TrainingResult) -> Shown:
    rows = sample_rows(result.labels)
    return Shown(
        paths=[result.paths[row] for row in rows],
        labels=result.labels[rows],
        classes=result.classes,
        before=result.before[rows],
        after=result.after[rows],
        draw=cache(lambda path: picture(path, Path(path).name, _SIDE)),
    )


def _history(result: TrainingResult) -> str:
    plots = "\n".join(history_plots(result.history, result.best_epoch))
    notes = "".join(f'<p class="note">{text(note)}</p>' for note in collapses(result.history))
    return section("Training", "by epoch", f'<div class="plots two">{plots}</div>{notes}')


def _scores(result: TrainingResult) -> str:
    plots = score_plots(result.same_scores, result.different_scores, result.calibration)
    detail = "pairs of the calibration pictures, by the kept network; both kinds weigh equally"
    body = "\n".join(plots)
    if not plots:
        body = "<p>No pairs of both kinds to show.</p>"
    elif result.calibration.slope <= 0:
        body += (
            '<p class="note">Pairs of the same class score no higher than others: probabilities '
            "from this encoder mean nothing.</p>"
        )
    return section("Same or different?", detail, f'<div class="plots three">{body}</div>')
