"""What executors are and see, looked at before anything is read."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

from ..core.documents import Source
from ..core.errors import BadInput, BadRun, BadSetting, DedupError
from ..readers.storage import urls
from ..readers.storage.addresses import StorageFolder, is_address
from ..readers.storage.sources import exists
from .session import cores_of, translate_errors

BY_ENVIRONMENT = "--spark-conf spark.executorEnv.NAME=VALUE, or a role of its machine"


def _facts() -> dict[str, str]:
    """Return what must be the same on the driver and on all executors."""
    import platform
    import unicodedata

    import numpy as np
    import pyarrow as pa

    import dedup

    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "dedup": dedup.__version__,
        "numpy": np.__version__.split(".")[0],
        "pyarrow": pa.__version__.split(".")[0],
        "Unicode": unicodedata.unidata_version,
    }


def check_executors(
    spark: Any, places: Sequence[StorageFolder], sources: Sequence[Source], known: urls.Secrets
) -> None:
    """Raise when the executors lack the package, are of other versions, or do not share the places.

    Some of the sources are looked at, of those at URLs few, as each is a request.
    """
    samples = [some for kind in (False, True) for some in _some(sources, kind)]
    token = os.urandom(8).hex()
    for place in places:
        place.write(f"probe-{token}", token.encode())
    n = 2 * cores_of(spark)

    def look(batches: Any) -> Any:  # NOTE: a function within a function is sent by value
        import json
        from importlib import import_module

        import pyarrow as pa

        for _ in batches:
            row = import_module("dedup.spark.executors").looked(places, token, samples, known)
            yield pa.RecordBatch.from_pydict({"row": [json.dumps(row)]})

    try:
        with translate_errors():
            rows = [r[0] for r in spark.range(0, n, 1, n).mapInArrow(look, "row string").collect()]
    finally:
        probes = {place: _probes(place, token) for place in places}
        for place, names in probes.items():
            for name in names:
                place.remove(name)
    found = [json.loads(row) for row in rows]
    for row in found:
        _complain(row)
    for place, names in probes.items():
        if len(names) <= len(found):
            raise BadRun(
                f"{place}: what executors write does not appear here; "
                "name a run folder with --run on a file system that all of them share"
            )


def _some(sources: Sequence[Source], at_urls: bool) -> Sequence[Source]:
    found = [s for s in sources if urls.is_url(s.at) == at_urls]
    return found[:: -(-len(found) // (4 if at_urls else 20)) or 1]


def _probes(place: StorageFolder, token: str) -> list[str]:
    return [i.base_name for i in place.inside() if i.base_name.startswith(f"probe-{token}")]


def looked(
    places: Sequence[StorageFolder], token: str, samples: Sequence[Source], known: urls.Secrets
) -> dict[str, Any]:
    """Return what an executor is, and which of the places and sources it does not see."""
    urls.remember(known)
    lost = ""
    for place in places:
        why = ""
        try:
            if place.read(f"probe-{token}") == token.encode():
                place.write(f"probe-{token}-{os.getpid()}-{os.urandom(4).hex()}", token.encode())
                continue
        except (DedupError, OSError) as error:
            why = f" ({error})"
        lost = lost or f"{place}: the executor on {socket.gethostname()} does not share this run folder{why}"
    unseen = [os.fsdecode(s.at) for s in samples if not exists(s)]
    return {"host": socket.gethostname(), "facts": _facts(), "lost": lost, "unseen": unseen}


def _complain(row: dict[str, Any]) -> None:
    """Raise for what an executor lacks."""
    mine = _facts()
    for name, version in row["facts"].items():
        if version != mine[name]:
            raise BadSetting(
                f"the executor on {row['host']} has {name} {version}, the driver {mine[name]}: "
                "they must be the same for the same result"
            )
    if row["lost"]:
        at_address = is_address(row["lost"]) and not row["lost"].startswith("file:")
        raise BadRun(
            f"{row['lost']}; "
            + (
                f"give it the credentials by the environment: {BY_ENVIRONMENT}"
                if at_address
                else "name one with --run on a file system that all of them share"
            )
        )
    if row["unseen"]:
        what = row["unseen"][0]
        raise BadInput(
            f"{what}: the executor on {row['host']} cannot see this source; "
            + (
                f"credentials go to executors by the environment: {BY_ENVIRONMENT}"
                if is_address(what)
                else "put the sources on a file system that all of them share"
            )
        )
