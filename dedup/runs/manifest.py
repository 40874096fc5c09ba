"""The manifest of a run folder, run.json: its format, names and checksum."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import BadRun

FORMAT = 7
MANIFEST, LOCK, UNFINISHED, DECISIONS = "run.json", "lock", "unfinished", "decisions.jsonl"
STEPS = "steps.npz"
TEXTS = "texts.arrow"  # of a run that was made from texts in memory
# the tables that no new verdict changes
LASTING = ("sources", "documents", "compared", "spellings", "boilerplate")
SMALL = ("sources", "documents", "verdict", "pairs")  # the tables that are read at once


def manifest_checksum(manifest: dict[str, Any]) -> int:
    """Return the CRC-32 of a manifest without its checksum."""
    return zlib.crc32(json.dumps({k: v for k, v in manifest.items() if k != "checksum"}).encode())


def manifest_of_run(
    tables: str, rows: dict[str, int], checksums: dict[str, int], summary: dict[str, Any]
) -> bytes:
    """Return the manifest: the table folder, its rows and checksums, and the summary."""
    manifest = {
        "format": FORMAT,
        "program": f"dedup {__version__}",
        "tables": tables,
        "rows": rows,
        "checksums": checksums,
        **summary,
    }
    manifest["checksum"] = manifest_checksum(manifest)
    return json.dumps(manifest, indent=1, ensure_ascii=True).encode() + b"\n"


def manifest_of(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Read the manifest of a run folder -> (table folder, manifest).  Raises BadRun."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BadRun(f"{folder}: no run here; make one with: dedup scan FOLDER") from None
    except NotADirectoryError:
        raise BadRun(f"{folder}: is a file, not a run folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadRun(f"{folder / MANIFEST}: cannot be read ({error}); scan again") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BadRun(f"{folder / MANIFEST}: is no run manifest; scan again")
    if manifest["format"] != FORMAT:
        raise BadRun(
            f"{folder}: was written in run format {manifest['format']} ({manifest.get('program')}), "
            f"this is dedup {__version__} with format {FORMAT}; scan again"
        )
    if manifest.get("checksum") != manifest_checksum(manifest):
        raise BadRun(f"{folder / MANIFEST}: is damaged, or was changed by hand; scan again")
    name = str(manifest.get("tables", ""))
    if not name.startswith("tables-") or "/" in name:
        raise BadRun(f"{folder / MANIFEST}: names the table folder {name!r}; scan again")
    return folder / name, manifest
