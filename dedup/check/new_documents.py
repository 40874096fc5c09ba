"""New documents for a check, after the pass; their texts and signatures stay in a scratch folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..clustering import verdict
from ..core.documents import Documents, Source
from ..core.pairs import Spellings
from ..core.parallel import Context
from ..matching import candidates
from ..pipeline.ingest import CachedTexts, ingest_files
from ..pipeline.rescan import LastScan
from ..pipeline.set_aside import find_changed, set_changed_aside
from ..pipeline.sources import list_sources
from ..runs.ingest_cache import IngestCache


@dataclass(frozen=True)
class Fresh:
    """The new documents after the pass."""

    sources: list[Source]
    documents: Documents
    features: candidates.Features
    texts: CachedTexts
    same: NDArray[np.int32]  # the first new document of the same letters

    def text(self, doc: int) -> tuple[bytes, bytes]:
        """Return (bytes or their digest, UTF-8 text) of a document."""
        utf8 = self.texts.read(doc)
        return self.documents.written[doc] or utf8, utf8

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
        yield Fresh(sources, documents, corpus.features, texts, same)
