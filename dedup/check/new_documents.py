"""New documents for a check, after the pass; their texts and signatures stay in a scratch folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clustering import verdict
from ..core.documents import Documents, Source
from ..core.pairs import Spellings, VerifiedPairs
from ..core.parallel import Context
from ..core.settings import Settings
from ..core.verdicts import Verdict
from ..matching import candidates
from ..pipeline.ingest import CachedTexts, ingest_files
from ..pipeline.rescan import LastScan
from ..pipeline.set_aside import find_changed, set_changed_aside
from ..pipeline.sources import list_sources
from ..runs.ingest_cache import IngestCache
from ..runs.run import Run


@dataclass(frozen=True)
class Fresh:
    """The new documents after the pass."""

    sources: list[Source]
    fields: list[tuple[str, str]]  # of each source: the field of the text, and that of the id
    documents: Documents
    features: candidates.Features
    texts: CachedTexts
    same: NDArray[np.int32]  # the first new document of the same letters

    def text(self, doc: int) -> tuple[bytes, bytes]:
        """Return (bytes or their digest, UTF-8 text) of a document."""
        utf8 = self.texts.read(doc)
        return self.documents.written[doc] or utf8, utf8

    def as_run(self, settings: Settings, paths: Sequence[bytes]) -> Run:
        """Return them as a run of their own, in which each is kept: what the export of a corpus takes."""
        n = len(self.documents)
        none, zero, mine = VerifiedPairs.none(), np.zeros(n), np.arange(n, dtype=np.int32)
        number, kind = np.zeros(n, np.int64), np.zeros(n, np.int8)
        floats: list[Any] = [zero] * 6
        rest: list[Any] = [kind, zero, zero, number, number, [""] * n, np.full(n, -1, np.int32)]
        undecided = Verdict(mine, mine, mine, kind, *floats, *rest)
        summary = {
            "settings": settings.as_dict(),
            "scanned": {"folder": os.getcwd(), "paths": [os.fsdecode(path) for path in paths]},
        }
        facts = (self.sources, self.fields, self.documents, none, np.zeros(0, np.int8), undecided)
        return Run(*facts, summary=summary)

    def place(self, doc: int) -> tuple[bytes, int]:
        """Return the absolute path of the source of a document, and its record."""
        path = self.sources[int(self.documents.source[doc])].path
        return os.path.normpath(os.path.join(os.fsencode(os.getcwd()), path)), int(self.documents.record[doc])


@contextmanager
def fresh(context: Context, paths: list[bytes], scratch: Path) -> Iterator[Fresh]:
    """Read and sign the new documents at paths; their texts and signatures stay in `scratch`."""
    s = context.settings
    sources, _ = list_sources(paths, s, b"", scratch)
    unfinished = scratch / "unfinished"
    with closing(IngestCache(unfinished, s.num_perm)) as cache:
        with context.timed("pass"):
            corpus, _ = ingest_files(context, sources, cache, LastScan(), unfinished)
        texts = corpus.texts
        assert texts is not None
        documents = set_changed_aside(corpus.documents, find_changed(sources, corpus.documents))
        _, same = verdict.exact_groups(documents, Spellings.none(), corpus.read, s.k, context.parallel_map)
        yield Fresh(sources, corpus.fields, documents, corpus.features, texts, same)
