"""The walk of the artifact proxy: all files, and no end of folders."""

from typing import Any

import pytest
from rollmodel.api.artifacts import walk
from rollmodel.errors import Invalid

TREE: dict[str, list[dict[str, Any]]] = {
    "": [{"path": "MLmodel", "file_size": "7"}, {"path": "data", "is_dir": True}],
    "data": [{"path": "a"}, {"path": "deep", "is_dir": True}],
    "data/deep": [{"path": "b", "is_dir": False, "file_size": 0}],
}


def test_all_files_with_their_sizes() -> None:
    assert list(walk(TREE.__getitem__, str)) == [("MLmodel", 7), ("data/a", None), ("data/deep/b", 0)]


@pytest.mark.parametrize("nothing", [None, []])
def test_a_folder_without_files_is_empty(nothing: Any) -> None:
    assert list(walk(lambda _: nothing, str)) == []


@pytest.mark.parametrize("listed", [5, "MLmodel", {"path": "MLmodel"}, True])
def test_a_listing_that_is_no_list_is_refused(listed: Any) -> None:
    with pytest.raises(Invalid, match="no list of files"):
        list(walk(lambda _: listed, str))


def test_a_name_is_checked_before_it_is_used() -> None:
    def refuse(name: str) -> str:
        raise Invalid(name)

    with pytest.raises(Invalid, match="MLmodel"):
        list(walk(TREE.__getitem__, refuse))


def test_folders_without_end_are_refused() -> None:
    with pytest.raises(Invalid, match="nested more than 32 deep"):
        list(walk(lambda folder: [{"path": "again", "is_dir": True}], str))


def test_a_folder_with_too_many_files_is_refused() -> None:
    with pytest.raises(Invalid, match="more than 10000 files"):
        list(walk(lambda folder: [{"path": "a"}] * 10_001, str))


def test_folders_that_branch_for_ever_are_refused_after_a_bounded_number_of_listings() -> None:
    """Two in each, never nested deep enough: there would be 2^32 of them."""
    asked = []

    def entries(folder: str) -> list[dict[str, Any]]:
        asked.append(folder)
        return [{"path": "a", "is_dir": True}, {"path": "b", "is_dir": True}] if folder.count("/") < 30 else []

    with pytest.raises(Invalid, match="more than 1000 folders"):
        list(walk(entries, str))
    assert len(asked) == 1000


def test_files_without_end_in_many_folders_are_refused() -> None:
    folders = [{"path": str(number), "is_dir": True} for number in range(20)]
    with pytest.raises(Invalid, match="more than 100000 files"):
        list(walk(lambda folder: [{"path": "a"}] * 9_000 if folder else folders, str))


@pytest.mark.parametrize("entry", [None, [], "MLmodel", 7, {}, {"file_size": 3}])
def test_an_entry_that_is_none_is_refused(entry: Any) -> None:
    with pytest.raises(Invalid, match="something that is no file"):
        list(walk(lambda _: [entry], str))


@pytest.mark.parametrize("size", ["many", [], {}, "9" * 5000])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(Invalid, match="lists a file with the size") as error:
        list(walk(lambda _: [{"path": "a", "file_size": size}], str))
    assert len(str(error.value)) < 200
