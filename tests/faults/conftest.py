"""The server of warm interpreters, one for all tests; folders that every user may enter."""

import shutil
import tempfile
from pathlib import Path

import pytest

from .warm import Warm


@pytest.fixture(scope="session")
def warm():
    """warm("scan", "in", cwd=folder, kill_after=0.1) runs a command in a forked child; see warm.py."""
    server = Warm()
    yield server
    server.close()


@pytest.fixture
def open_folder():
    """A folder that any user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="dedup-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
