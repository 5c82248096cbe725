"""Build an index, and tune it to the promised recall."""

from dataclasses import replace

from simsearch.config import PROMISED_RECALL
from simsearch.index.recipes import VectorSource, load_recipe
from simsearch.index.tuning import tune
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import SearchTuning


def build_index(recipe_name: str, source: VectorSource, postings: Ids, gpus: int) -> VectorIndex:
    """Build an index over `source`; `postings` is as in VectorIndex."""
    recipe = load_recipe(recipe_name)
    filled = recipe.add(recipe.train(source, gpus), source)
    index = VectorIndex(filled, recipe, SearchTuning(), postings, source.n)
    return index if recipe.exact else replace(index, tuning=tune(index, source, PROMISED_RECALL))
