"""scikit-learn, where it is installed, as a second opinion."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def sklearn_metrics() -> Any:
    """Return sklearn.metrics, or skip."""
    return pytest.importorskip("sklearn.metrics")
