"""Records of labelled pictures: calibration, verification, evaluation, training.

They have a module of their own so that a query does not pay for them.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a cosine of an encoder means, fitted on classes that it was not trained on.

    The log-likelihood ratio of "the same class" to "different classes" is taken as linear in the
    cosine (Platt 1999), and kept free of how many pairs of each kind there were, so that any prior
    can be applied.

    Attributes:
        slope, intercept: natural-log likelihood ratio = slope * cosine + intercept.
        thresholds: cosine at or over which pairs are called the same, by false acceptance rate.
        same_pairs, different_pairs, classes: how much it was fitted on.
    """

    slope: float
    intercept: float
    thresholds: dict[float, float]
    same_pairs: int
    different_pairs: int
    classes: int

    def log_likelihood_ratio(self, score: float) -> float:
        """Return ln P(score | same) / P(score | different); above 0 speaks for the same."""
        return self.slope * score + self.intercept

    def probability(self, score: float, prior: float = 0.5) -> float:
        """Return the probability, 0 to 1, that a pair of this cosine shows the same class.

        Args:
            prior: share of same pairs among those that are asked about, 0 < prior < 1.
        """
        log_odds = self.log_likelihood_ratio(score) + math.log(prior / (1 - prior))
        return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0


@dataclass(frozen=True, slots=True)
class VerificationFigures:
    """How well cosines tell pairs of the same class from pairs of different ones.

    Attributes:
        auc: area under the ROC curve, 0 to 1, higher is better.
        eer: equal error rate, 0 to 1, lower is better.
        tar_at_far: share of same pairs accepted, by false acceptance rate; only the rates at which
            at least one different pair is accepted.
        accuracy_at_calibrated: balanced accuracy, the mean of both kinds' shares of right answers,
            where the calibrated probability at a prior of 0.5 is cut at 0.5.
        accuracy_at_half: balanced accuracy where the cosine is cut at 0.5.
        brier, ece, cllr: of the calibrated probabilities, both kinds weighted equally; lower is
            better. None, as the accuracy above, where the encoder has no calibration.
        same_pairs, different_pairs: how many were compared.
        all_pairs: how many there are; more than were compared if they were sampled.
    """

    auc: float
    eer: float
    tar_at_far: dict[float, float]
    accuracy_at_calibrated: float | None
    accuracy_at_half: float
    brier: float | None
    ece: float | None
    cllr: float | None
    same_pairs: int
    different_pairs: int
    all_pairs: int


@dataclass(frozen=True, slots=True)
class FewShot:
    """Accuracy, 0 to 1, of naming a picture out of `ways` classes with `shots` examples each."""

    ways: int
    shots: int
    episodes: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class FixedRuns:
    """Share of wrong names, 0 to 1, over fixed runs of one-shot classification."""

    runs: int
    trials: int
    error_rate: float


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Detection and identification rate `dir` where unknown pictures come, too.

    Attributes:
        fpir: share of unknown pictures that may be called known.
        dir: share of known pictures called known by the right name, 0 to 1, higher is better; None
            where there are fewer than 1 / fpir unknown pictures.
        known, unknown: classes.
    """

    fpir: float
    dir: float | None
    known: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `simsearch evaluate` measures of an encoder; None is what was not asked for.

    Attributes:
        images, classes, failed: pictures and classes measured on, pictures that can't be read.
        retrieval: recall_at_1, _2, _4, _8, precision_at_1, r_precision and map_at_r, 0 to 1, higher
            is better.
        few_shot, open_set: also None where the classes are too few or too small.
        intervals: (low, high) of 95 %, by name, from resampling the classes.
    """

    encoder: str
    dim: int
    calibrated: bool
    images: int
    classes: int
    failed: int
    retrieval: dict[str, float] | None = None
    verification: VerificationFigures | None = None
    few_shot: FewShot | None = None
    open_set: OpenSet | None = None
    fixed_runs: FixedRuns | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run did, and what its report shows.

    Attributes:
        out: folder of the checkpoint.
        settings: every option, as it was used.
        versions: of the libraries, by name.
        split: classes and pictures of each part, by name.
        history: what metrics.jsonl holds: a row an epoch, the first of the untrained network.
        seconds: spent training, since the last start.
        best_epoch: epoch whose network was kept, from 1; 0 is the untrained one.
        calibration: fitted on `same_scores` and `different_scores`, cosines of the calibration set.
        paths, labels, classes: of the validation pictures; labels int64 count into classes.
        before, after: their unit vectors float32 [n, dim], by the untrained and the kept network.
    """

    out: str
    settings: dict[str, Any]
    versions: dict[str, str]
    split: dict[str, dict[str, int]]
    history: list[dict[str, Any]]
    seconds: float
    best_epoch: int
    calibration: Calibration
    same_scores: "npt.NDArray[np.float32]"
    different_scores: "npt.NDArray[np.float32]"
    paths: tuple[str, ...]
    labels: "npt.NDArray[np.int64]"
    classes: tuple[str, ...]
    before: "npt.NDArray[np.float32]"
    after: "npt.NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether two pictures are of the same class.

    Attributes:
        a, b: the pictures' paths as given.
        similarity: cosine, -1 to 1, higher is nearer; 1 for the same bytes.
        distance: Euclidean distance of the unit vectors, 0 to 2, lower is nearer.
        encoder: its name, or the folder of its checkpoint.
        prior: share of same pairs that the probability takes for granted.
        probability: 0 to 1, that both are of the same class; None, as the two that follow, where
            the encoder has no calibration.
        log_likelihood_ratio: natural logarithm; above 0 speaks for the same class.
        different_pairs: how many the calibration has seen, and a threshold rests on.
        far: false acceptance rate that the decision is made at; None, as the two that follow, where
            the encoder has no calibration, or one on too few pairs.
        threshold: cosine at or over which a pair is called the same.
        same: the decision.
    """

    a: str
    b: str
    similarity: float
    distance: float
    encoder: str
    prior: float
    probability: float | None = None
    log_likelihood_ratio: float | None = None
    different_pairs: int | None = None
    far: float | None = None
    threshold: float | None = None
    same: bool | None = None

    @property
    def calibrated(self) -> bool:
        """Whether the encoder says what its cosines mean."""
        return self.probability is not None


@dataclass(frozen=True, slots=True)
class ClassScore:
    """A labelled class and how near a picture is to it: a cosine, higher is nearer."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Identification:
    """Which of a collection's classes a picture belongs to.

    The probability is what the encoder's calibration says of a pair of pictures with this cosine,
    at a prior of 0.5. A score is no cosine of a drawn pair: the mean of a class is nearer than its
    members are, and the best of many classes is taken. So it is an indication that errs on the high
    side; and where the threshold is the encoder's, not the collection's own, more pictures pass it
    than its FAR says.

    Attributes:
        photo: the picture's path as given.
        label: the class, None if unknown: the score is under the threshold, or there is no class.
        nearest: the nearest class, known or not; None if there is no class.
        score: 'prototypes': cosine to the class's mean; 'knn': the best cosine to one of its
            pictures that voted. Higher is nearer.
        probability: 0 to 1; None where the encoder has no calibration.
        runner_up: the next class; by votes in 'knn', so its score may be the higher one there.
        threshold: cosine under which the picture is unknown; None where nothing tells one.
        method: 'prototypes' or 'knn'.
        left_out: indexed files that were left out because their content is the picture's own.
    """

    photo: str
    label: str | None
    nearest: str | None
    score: float | None
    probability: float | None
    runner_up: ClassScore | None
    threshold: float | None
    method: str
    left_out: int = 0
