"""Characters as numbers, and windows of them."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import barehand as bh
import pytest
from barehand.data import CharVocabulary, DataLoader, Subset, TokenWindows, read_text


def test_a_text_is_read_plain_and_gzipped_and_anything_else_refused(tmp_path: Path) -> None:
    book = "Call me Ishmael. Ça va? 東京\r\n"
    (tmp_path / "book.txt").write_bytes(book.encode())
    (tmp_path / "book.txt.gz").write_bytes(gzip.compress(book.encode()))
    assert read_text(tmp_path / "book.txt") == read_text(str(tmp_path / "book.txt.gz")) == book
    with pytest.raises(OSError, match="none"):
        read_text(tmp_path / "none.txt")
    (tmp_path / "broken.txt").write_bytes(b"abc\xffdef")
    with pytest.raises(ValueError, match="byte 3 begins no character"):
        read_text(tmp_path / "broken.txt")


def test_characters_are_numbered_in_order() -> None:
    characters = CharVocabulary("banana é\n")
    assert characters.characters == "\n abné" and len(characters) == 6
    ids = characters.encode("nab é")
    assert ids.tolist() == [4, 2, 3, 1, 5] and ids.dtype == bh.int64
    assert characters.decode(ids) == characters.decode([4, 2, 3, 1, 5]) == "nab é"
    assert characters.decode(ids.to(bh.int32)) == "nab é"
    assert characters == CharVocabulary("éab n\n") != CharVocabulary("abc")
    assert pickle.loads(pickle.dumps(characters)) == characters
    assert repr(CharVocabulary("a\n")) == 'CharVocabulary("\\na")'
    with pytest.raises(ValueError, match="character 2, 'x', is not one of the 6 known"):
        characters.encode("bax")
    with pytest.raises(IndexError):
        characters.decode([6])
    for wrong in (bh.ones(2), [0.5], "ab"):
        with pytest.raises(TypeError, match="whole numbers expected"):
            characters.decode(wrong)


def test_every_window_once_in_order() -> None:
    windows = TokenWindows(bh.arange(10), 4)
    assert len(windows) == 6
    inputs, targets = windows[-1]
    assert inputs.tolist() == [5, 6, 7, 8] and targets.tolist() == [6, 7, 8, 9]
    with pytest.raises(IndexError, match="index 6 is out of range for 6 windows"):
        windows[6]
    (batch,) = DataLoader(windows, batch_size=6)
    assert batch[0][:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    (some,) = DataLoader(Subset(windows, [3, 0]), batch_size=2)
    assert some[1][:, -1].tolist() == [7, 4]
    for length in (0, 10):
        with pytest.raises(ValueError, match="longer than a window"):
            TokenWindows(bh.arange(10), length)


def test_random_windows_come_from_the_seed_and_from_everywhere() -> None:
    def starts(seed: int) -> list[int]:
        windows = TokenWindows(list(range(50)), 8, samples=500)
        loader = DataLoader(windows, batch_size=50, generator=bh.Generator().manual_seed(seed))
        return [start for inputs, _ in loader for start in inputs[:, 0].tolist()]

    assert len(starts(1)) == 500 and starts(1) == starts(1) != starts(2)
    assert set(starts(1)) == set(range(42))
    bh.manual_seed(0)
    alone = TokenWindows(list(range(50)), 8, samples=5)
    assert len({alone[0][0][0].item() for _ in range(20)}) > 5
