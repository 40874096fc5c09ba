"""Scans onto a file system of 128 kB, 160 kB, ... in a mount namespace of its own (unshare -rm)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.faults.warm import Warm


def main(corpus: Path) -> None:
    """Scan until the disk is large enough; prints how often it was full."""
    disk = corpus / "disk"
    disk.mkdir()
    warm = Warm()
    full = 0
    done = False
    for size in (128, 160, 192, 256, 512, 1024, 4096):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", disk], check=True)
        shutil.copytree(corpus / "r", disk / "r")
        warm.close()  # a server that sees the new mount
        warm = Warm()
        before = warm("verify", "disk/r", cwd=corpus).json
        answer = warm("scan", "in", "-q", "--run", "disk/r", cwd=corpus)
        if answer.code == 0:
            done = True
        else:
            assert answer.code == 2, answer.code
            assert len(answer.err.splitlines()) == 1, answer.err
            assert "No space left on device" in answer.err, answer.err
            assert warm("verify", "disk/r", cwd=corpus).json == before
            assert len(os.listdir(disk / "r")) == 3, os.listdir(disk / "r")
            full += 1
            lists = warm("export", "clusters", "-o", "disk/list", "--run", "disk/r", cwd=corpus)
            assert lists.code in (0, 2)
        subprocess.run(["umount", disk], check=True)
        if done:
            break
    warm.close()
    print(json.dumps({"full": full, "done": done}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
