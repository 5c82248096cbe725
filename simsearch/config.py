"""Settings of the stages, each frozen and saved with what it produced."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

DEFAULT_ENCODER = "simsearch-3"
EARLIER_DEFAULTS = ("tf_efficientnet_lite0",)  # collections made with them keep working
DEFAULT_BACKBONE = "tf_efficientnet_lite0"  # what training begins with
DEFAULT_THRESHOLD = 0.9
PROMISED_RECALL = 0.99  # of the nearest pictures that a query gets
DEFAULT_PRECISION = 0.999
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
FITS = ("crop", "squash", "pad")
KEPT_EPOCHS = ("best", "last")
POOLINGS = ("avg", "root", "gem", "stats", "correlation")
IDENTIFY_METHODS = ("prototypes", "knn")
SEARCH_METRICS = ("cosine", "euclidean")
COPY_PROTOCOLS = ("copies", "exact", "groups")
PRECISIONS = ("auto", "f32", "bf16")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a decoded picture becomes an encoder's input.

    The centre that covers `crop_fraction` of each side is scaled to `size` x `size` pixels; the
    network then sees (value / 255 - mean) / std for each of the channels R, G, B.

    Attributes:
        fit: how a picture that is no square becomes one: 'crop' keeps the square at its centre,
            'squash' changes its proportions, 'pad' puts white beside it.
    """

    size: int = 224
    crop_fraction: float = 0.875
    interpolation: str = "bicubic"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    fit: str = "crop"

    def __post_init__(self) -> None:
        """Refuse what no picture can be prepared with; raises ValueError."""
        if self.size < 1 or not 0 < self.crop_fraction <= 1:
            raise ValueError(f"size {self.size} or crop_fraction {self.crop_fraction} out of range")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation '{self.interpolation}'; use one of {INTERPOLATIONS}")
        if self.fit not in FITS:
            raise ValueError(f"fit '{self.fit}'; use one of {', '.join(FITS)}")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from what `dataclasses.asdict` and JSON made of one."""
        return cls(**{**data, "mean": tuple(data["mean"]), "std": tuple(data["std"])})


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """How a checkpoint's network is built.

    Attributes:
        backbone: a name that the backbones know.
        preprocessing: how pictures are prepared.
        pooling: 'avg' is the backbone's own; in its place 'root' has signed roots of the means,
            'gem' generalised means, 'stats' mean and standard deviation side by side, 'correlation'
            that of every two channels.
        dim: length of the embedding.
    """

    backbone: str
    preprocessing: Preprocessing
    dim: int
    pooling: str = "avg"

    def __post_init__(self) -> None:
        """Refuse what can't be built; raises ValueError."""
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling '{self.pooling}'; use one of {POOLINGS}")
        if self.dim < 1:
            raise ValueError(f"dim {self.dim}; it must be 1 or more")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from what `dataclasses.asdict` and JSON made of one."""
        values = {
            "backbone": str(data["backbone"]),
            "preprocessing": Preprocessing.from_dict(data["preprocessing"]),
            "dim": int(data["dim"]),
        }
        return cls(**{**data, **values})


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What identifies an encoder: two encoders with equal specs give comparable vectors.

    Attributes:
        name: what `--encoder` takes: a known name, `timm/NAME`, `torchvision/NAME` or a folder.
        digest: SHA-256 of the weights, hexadecimal.
        dim: length of the vectors.
        preprocessing: how pictures are prepared.
    """

    name: str
    digest: str
    dim: int
    preprocessing: Preprocessing

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from `to_dict`'s values."""
        return cls(
            name=str(data["name"]),
            digest=str(data["digest"]),
            dim=int(data["dim"]),
            preprocessing=Preprocessing.from_dict(data["preprocessing"]),
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all but the name: vectors of equal fingerprints may be compared."""
        values = [self.digest, self.dim, asdict(self.preprocessing)]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Which file of a group of duplicates is kept.

    Attributes:
        order: what decides, the next where one is even: 'colour' it has some, 'pixels' the most,
            'compression' the most bytes a pixel, 'metadata' what a camera wrote is still there,
            'size' the most bytes, 'age' changed longest ago, 'path' the shortest.
        prefer: absolute folders whose files come before all others.
        protect: absolute folders whose files are never dropped.
        reference: absolute folders; only what matches a file in them is dropped, and never such a
            file itself.
    """

    order: tuple[str, ...] = (
        "colour",
        "pixels",
        "compression",
        "metadata",
        "size",
        "age",
        "path",
    )
    prefer: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicateSearch:
    """What counts as there more than once.

    Attributes:
        recheck: look at the nearest pairs again and take those that are copies; without it, and
            with a precision, take those of the nearest that stand out; else every pair over the
            threshold.
        certain: log-odds of a copy from which the second look takes a pair for one.
        ratio: by which a copy stands out, without the second look; see `search.crowds.ratios`.
        reach: cosine that what is only alike hardly comes over.
        similar: with a precision, also list pairs over the threshold that are no copies.
        threshold: lowest cosine of pairs that are taken by it alone, as 'similar'.
        precision: what log-odds and ratio were chosen for; None where the threshold is all.
        rules: which file of a group is the best.
    """

    recheck: bool = True
    certain: float = 0.0
    ratio: float = 0.0
    reach: float = 1.0
    similar: bool = False
    threshold: float = DEFAULT_THRESHOLD
    precision: float | None = None
    rules: KeepRules = KeepRules()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder belong to a collection.

    A glob without '/' is matched against every name on the path below the folder, one with '/'
    against the whole path below it. `include` looks at files, `exclude` at files and folders.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How an encoder is trained.

    Attributes:
        backbone: a name that the backbones know; None is the checkpoint's, or the default encoder.
        weights: what to start from: 'imagenet', 'none' or a checkpoint folder.
        size, fit: of the network's input; None is the backbone's own.
        pooling: 'avg', 'root', 'gem', 'stats' or 'correlation', as in `NetworkConfig`.
        dim: length of the embedding.
        loss: name of a loss.
        mining: 'auto', 'global' or the name of a miner.
        augment: name of an augmentation profile.
        classes_per_batch, pictures_per_class: P and K.
        epochs: at most; each shows every class. 0 only fits the projection and calibrates.
        learning_rate: of the trunk; None is 1e-4 from trained weights, else 1e-3.
        weight_decay: of AdamW.
        memory: embeddings of past batches to compare with, 0 for none.
        entropy: weight of a term that spreads the embeddings over the sphere, 0 for none.
        distillation: weight of a term that keeps what a picture, or a copy of it, is like as the
            picture was before training, 0 for none.
        ema: decay of an exponential moving average of the weights, 0 for none.
        frozen: stages of the default backbone that stay as they are, 4 to 6; 0 trains all.
        reuse: epochs that show the same views, in other batches, before new ones are made.
        mine_every: epochs between two global searches for confused classes.
        patience: epochs without a better MAP@R before training stops.
        keep: 'best' keeps the epoch with the highest MAP@R, 'last' the last one.
        precision: 'auto', 'f32' or 'bf16'; 'auto' is bf16 on CUDA.
        seed: of the split, the batches, the augmentation and the new weights.
    """

    backbone: str | None = None
    weights: str = "imagenet"
    size: int | None = None
    fit: str | None = None
    pooling: str = "avg"
    dim: int = 256
    loss: str = "triplet"
    mining: str = "auto"
    augment: str = "photo"
    classes_per_batch: int = 16
    pictures_per_class: int = 4
    epochs: int = 20
    learning_rate: float | None = None
    weight_decay: float = 1e-4
    memory: int = 0
    entropy: float = 0.0
    distillation: float = 0.0
    ema: float = 0.0
    frozen: int = 0
    reuse: int = 1
    mine_every: int = 1
    patience: int = 5
    keep: str = "best"
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range; raises ValueError."""
        least = {"dim": 1, "epochs": 0, "mine_every": 1, "patience": 1, "memory": 0, "entropy": 0}
        least |= {"frozen": 0, "reuse": 1, "distillation": 0}
        least |= {"classes_per_batch": 2, "pictures_per_class": 2}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be {low} or more")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema is {self.ema}; it must be at least 0 and under 1")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling '{self.pooling}'; use one of {', '.join(POOLINGS)}")
        if self.fit is not None and self.fit not in FITS:
            raise ValueError(f"fit '{self.fit}'; use one of {', '.join(FITS)}")
        if self.keep not in KEPT_EPOCHS:
            raise ValueError(f"keep '{self.keep}'; use one of {', '.join(KEPT_EPOCHS)}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision '{self.precision}'; use one of {', '.join(PRECISIONS)}")
