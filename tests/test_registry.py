"""What registries take, refuse and find."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_dip import registry
from napari_dip.errors import UserError
from napari_dip.registry import Registry


def check(word):
    if not word.islower():
        raise UserError(f"word: expected lower case, got {word!r}")


@pytest.fixture
def words():
    return Registry("word", lambda word: word[0], check, ("apple", "bread"))


def test_what_is_registered_comes_after_the_packages_own(words):
    assert words.register("cake") == "cake"
    assert dict(words) == {"a": "apple", "b": "bread", "c": "cake"}
    words.unregister("c")
    assert list(words) == ["a", "b"]


def test_a_name_is_taken_once(words):
    words.register("apple")  # itself, again
    with pytest.raises(UserError, match=r"^word: the name 'a' is taken; choose another$"):
        words.register("avocado")


def test_what_an_entry_lacks_is_said(words):
    with pytest.raises(UserError, match="expected lower case, got 'Cake'"):
        words.register("Cake")


def test_a_missing_name_names_the_others_and_get_and_in_work(words):
    with pytest.raises(UserError, match=r"^word: expected one of a, b, got 'z'$"):
        words["z"]
    assert words.get("z") is None
    assert "z" not in words


def test_entry_points_of_other_packages_are_found(words, monkeypatch):
    points = {"napari_dip.words": [SimpleNamespace(load=lambda: "cake")]}
    monkeypatch.setattr(registry, "entry_points", lambda group: points[group])
    assert words["c"] == "cake"


def test_entries_given_by_their_place_are_imported_when_they_are_asked_for():
    places = {"path": "pathlib:Path", "none": "no_such_module:Nothing"}
    lazy = Registry("class", lambda entry: entry.__name__, lambda entry: None, places)
    assert list(lazy) == ["path", "none"]
    assert "none" in lazy
    assert lazy["path"] is Path
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        lazy["none"]
