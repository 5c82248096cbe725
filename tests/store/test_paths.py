"""Any file name survives Parquet's strings."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsearch.store.paths import decode_path, encode_path
from tests.store.strategies import file_names


@given(st.binary())
def test_any_bytes_come_back(raw: bytes) -> None:
    path = os.fsdecode(raw)
    stored = encode_path(path)
    stored.encode("utf-8")
    assert decode_path(stored) == path


@given(file_names)
def test_names_around_the_private_characters_come_back(name: str) -> None:
    stored = encode_path(name)
    stored.encode("utf-8")
    assert decode_path(stored) == name


@pytest.mark.parametrize("code", range(0xEF80, 0xF000))
def test_every_private_character_comes_back(code: int) -> None:
    name = f"a{chr(code)}b"
    assert encode_path(name) != name
    assert decode_path(encode_path(name)) == name


@given(st.binary(), st.binary())
def test_different_names_stay_different(one: bytes, other: bytes) -> None:
    if one != other:
        assert encode_path(os.fsdecode(one)) != encode_path(os.fsdecode(other))


@pytest.mark.parametrize(
    "name", ["", "photo.jpg", "Fotos/Ähre 1.png", "写真/猫.jpg", "a/\U0001f408"]
)
def test_usual_names_are_stored_as_they_are(name: str) -> None:
    assert encode_path(name) == name
