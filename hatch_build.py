"""Makes the machine code of the kernels while a wheel is built, so that nobody waits for it at a first scan.

Where that fails, the wheel is one of Python alone, and numba compiles the kernels when they are first needed.
`DEDUP_MACHINE_CODE=no` leaves it out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "dedup/core/compiled/machine_code"
LIMIT = 600  # seconds


class MachineCode(BuildHookInterface):  # type: ignore[misc]
    """The hook that pyproject.toml names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the machine code into the wheel, or beside the sources of an editable install."""
        folder = Path(self.root, FOLDER)
        if os.environ.get("DEDUP_MACHINE_CODE") == "no":
            shutil.rmtree(folder, ignore_errors=True)
            return
        command = [sys.executable, "-m", "dedup.pipeline.ahead", str(folder)]
        try:
            subprocess.run(command, cwd=self.root, check=True, timeout=LIMIT, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            self.app.display_warning(f"without machine code, the first scan will compile it: {error}")
            return
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["artifacts"].append(f"/{FOLDER}/*")
