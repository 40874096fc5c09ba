"""The machine code that an install makes: when it is taken, and that it acts as what numba compiles."""

import os
import tempfile

import numpy as np
import pytest

from dedup.core.compiled import cache, kinds, shipped
from dedup.core.jit import KERNELS
from dedup.matching import kernels

CODE = shipped.shipped_code()
BITS = np.array([0b10110, 0b1], np.uint8)


@pytest.mark.parametrize(
    "text", ["int64", "uint8[:]", "const int32[:,:]", "Room(int32[:], Pair(bool, int64))"]
)
def test_a_kind_is_written_as_it_was_read(text):
    assert str(kinds.parsed(text)) == text


def test_a_kind_with_something_behind_it_is_refused():
    with pytest.raises(ValueError, match="after the end"):
        kinds.parsed("int64, int64")


@pytest.mark.skipif(CODE is None, reason="there is no machine code here")
class TestMachineCode:
    def test_a_kernel_whose_sources_are_others_is_not_taken(self, monkeypatch):
        code = shipped.MachineCode(CODE.facts, CODE.level)
        monkeypatch.setattr(shipped, "digest", lambda path: "of something else")
        assert not any(code.fits(kernel) for kernel in KERNELS.values())

    def test_it_raises_what_the_compiled_function_raises(self):
        call = CODE.function(kernels.get_bits)
        if call is None:
            pytest.skip("the sources have changed")
        for one in (call, kernels.get_bits.by_numba):
            with pytest.raises(ValueError, match="negative dimensions not allowed"):
                one(BITS, 5, 2)
            assert one(BITS, 1, 5).tolist() == [True, True, False, True]

    def test_an_array_of_another_type_is_left_to_numba(self):
        assert kernels.get_bits(BITS.astype(np.int64), 1, 5).tolist() == [True, True, False, True]

    def test_an_array_that_a_kernel_made_outlives_what_it_was_cut_from(self):
        part = kernels.get_bits(BITS, 0, 9)[1:5]
        assert [kernels.get_bits(BITS, 0, 9) is not None for _ in range(9)] == [True] * 9
        assert part.tolist() == [True, True, False, True]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="there are no owners of files here")
class TestFolderForCode:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return tmp_path / f"dedup-kernels-{os.getuid()}"

    def test_nobody_else_can_open_it(self, folder):
        assert cache.own_folder() == folder
        assert folder.stat().st_mode & 0o777 == 0o700
        assert cache.own_folder() == folder

    def test_one_that_others_can_write_is_not_taken(self, folder):
        folder.mkdir()
        folder.chmod(0o777)
        assert cache.own_folder() is None

    def test_a_link_is_not_taken(self, folder, tmp_path):
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
        assert cache.own_folder() is None
