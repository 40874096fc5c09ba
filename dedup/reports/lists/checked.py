"""New documents that were checked -> those that are not in the run yet, and a row for each of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...check.result import ALLOWED, IN_RUN, NEW, SET_ASIDE, Checked, Match
from ...core.documents import FAULTS, OK
from ...core.errors import BadInput, OutputExists, safe
from ...core.verdicts import FORM, NEAR, RELATIONS
from ...readers.storage.url_files import AnyFile, UrlFile
from ...runs.run import Run
from ..wording import counted
from .chosen import CorpusOptions
from .corpus import ExportResult, export_corpus
from .export import FORMATS, Style, write_new

COLUMNS = (
    *("path", "id", "status", "kept", "duplicate_of", "duplicate_in", "relation", "side"),
    *("figure", "value", "jaccard", "containment", "discounted_jaccard", "discounted_containment"),
    *("skeleton_jaccard", "lost", "note"),
)


WHOLE = CorpusOptions(whole=True)


def chosen(found: Sequence[Checked]) -> NDArray[np.bool_]:
    """Choose the new documents that the run does not have -> bool[n].

    A document goes if it duplicates one of the run, or a new one that stays.  So what goes is always still
    there, in the run or among those that stay.  One that could not be read does not stay.
    """
    number = {doc.path: i for i, doc in enumerate(found)}
    stays: list[bool | None] = [_at_once(doc) for doc in found]
    waiting = [i for i, known in enumerate(stays) if known is None]
    while waiting:
        for i in waiting:
            others = [(m, stays[number[m.path]]) for m in _duplicated(found[i])]
            if any(stay or (stay is False and _equal_letters(m)) for m, stay in others):
                stays[i] = False
            elif all(stay is False for _, stay in others):
                stays[i] = True
        left = [i for i in waiting if stays[i] is None]
        if len(left) == len(waiting):
            stays[left.pop(0)] = True  # they wait for each other
        waiting = left
    return np.array(stays, np.bool_)


def _at_once(doc: Checked) -> bool | None:
    """Tell whether a document stays; None where that depends on other new ones."""
    if doc.status == SET_ASIDE:
        return not doc.fault
    if doc.status in (NEW, ALLOWED, IN_RUN):
        return doc.status != IN_RUN
    return False if any(m.in_run for m in _duplicated(doc)) else None


def _duplicated(doc: Checked) -> list[Match]:
    return [m for m in doc.matches if m.relation != RELATIONS[FORM] and not m.allowed]


def _equal_letters(m: Match) -> bool:
    return RELATIONS.index(m.relation) < NEAR


# ------------------------------------------------------------------ the documents


def write_chosen(new: Run, stays: NDArray[np.bool_], to: AnyFile) -> ExportResult:
    """Write the new documents that stay below a new or empty folder, as `export corpus` does.

    The folder appears whole or not at all.  Raises OutputExists when something is there, BadInput when a
    file has changed since it was read.
    """
    if isinstance(to, UrlFile):
        return export_corpus(_with_choice(new, stays), to, WHOLE)
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise OutputExists(f"{to}: is there already, and not an empty folder; name another one")
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        written = export_corpus(_with_choice(new, stays), part, WHOLE)
        os.replace(part, to)
    except (BadInput, OutputExists) as error:
        raise type(error)(str(error).replace(str(part), str(to))) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return written


def _with_choice(new: Run, stays: NDArray[np.bool_]) -> Run:
    """Return a run in which those that stay, however they were set aside, are kept, and no others."""
    faults = np.isin(new.documents.status, FAULTS)
    status = np.where(stays, OK, np.where(faults, new.documents.status, OK)).astype(np.int8)
    witness = np.where(stays, np.arange(len(stays)), -1).astype(np.int32)
    return replace(
        new,
        documents=replace(new.documents, status=status),
        verdict=replace(new.verdict, witness=witness),
    )


# ------------------------------------------------------------------ the rows


def rows(found: Sequence[Checked], stays: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    """Yield a row for each new document, with its closest match."""
    for doc, stay in zip(found, stays.tolist(), strict=True):
        m = doc.matches[0] if doc.matches else None
        row = {name: getattr(m, name, None) for name in COLUMNS}
        row |= {"path": doc.path, "id": doc.id, "status": doc.status, "kept": stay, "note": doc.note}
        if m is not None:
            row |= {"duplicate_of": m.path, "duplicate_in": "run" if m.in_run else "new"}
        yield row


def write_report(found: Sequence[Checked], stays: NDArray[np.bool_], path: AnyFile, form: str) -> None:
    """Write the rows to a new file.  Raises OutputExists where it is there already."""
    write_new(path, FORMATS[form](rows(found, stays), COLUMNS, Style()), False)


def told(n_docs: int, written: ExportResult, to: AnyFile) -> str:
    """Return what is said of the documents that were written."""
    what = f"{written.documents:,} of {counted(n_docs, 'document')} in {counted(written.files, 'file')}"
    return f"{what} -> {safe(str(to))}"
