"""One file a job. Each has `folds(data, work, seed) -> list of Fold`; see the package's README."""
