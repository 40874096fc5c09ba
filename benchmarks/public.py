"""Public test folders of other projects, read and scanned: what comes out right, as Markdown.

usage: python benchmarks/public.py CLONES [NAME...]     CLONES holds clones of the repositories below

mozilla/readability, scrapinghub/article-extraction-benchmark, impresso/llm-transcript-postcorrection (texts
of the ICDAR 2019 competition on post-OCR correction), chardet/chardet (5.2 or before, whose tests hold the
files), rspeer/python-ftfy, chrisjmccormick/MinHash, nst/JSONTestSuite, py-pdf/sample-files.
"""

from __future__ import annotations

import argparse
import codecs
import gzip
import itertools
import json
import os
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import dedup
from dedup.core.documents import STATUS
from dedup.core.verdicts import RELATIONS
from dedup.runs.run import Run
from dedup.text.decode import decode
from dedup.text.normalize import letters
from dedup.text.repair import repair

EXTRACTORS = ("boilerpipe", "justext", "newspaper", "readability", "trafilatura")
CODECS = {"IBM855": "cp855", "IBM866": "cp866", "MacCyrillic": "mac-cyrillic", "MacRoman": "mac-roman"}


def joined(run: Run) -> dict[str, int]:
    """File name -> its cluster."""
    return {
        os.path.basename(os.fsdecode(name)): int(cluster)
        for name, cluster in zip(run.names, run.verdict.cluster, strict=True)
    }


def readability(clone: Path, work: Path) -> None:
    """Each page and its expected article: the article as .html, and as .txt, where only its tags speak."""
    for suffix in (".html", ".txt"):
        folder = work / suffix[1:]
        folder.mkdir()
        pages = [page for page in (clone / "test/test-pages").iterdir() if page.is_dir()]
        for page in pages:
            shutil.copy(page / "source.html", folder / f"{page.name}.page.html")
            shutil.copy(page / "expected.html", folder / f"{page.name}.body{suffix}")
        cluster = joined(dedup.scan([folder]))
        alone = [p.name for p in pages if cluster[f"{p.name}.page.html"] != cluster[f"{p.name}.body{suffix}"]]
        print(
            f"| readability, bodies as {suffix} | {len(pages)} pages | {len(pages) - len(alone)} | "
            f"{', '.join(sorted(alone))} |"
        )


def articles(clone: Path, work: Path) -> None:
    """Each page with its true body and those of five extractors."""
    truth = json.loads((clone / "ground-truth.json").read_text())
    for key, value in truth.items():
        page = gzip.decompress((clone / "html" / f"{key}.html.gz").read_bytes())
        (work / f"{key}.page.html").write_bytes(page)
        (work / f"{key}.truth.txt").write_text(value["articleBody"])
    for name in EXTRACTORS:
        found = json.loads((clone / "output" / f"{name}.json").read_text())
        for key, value in found.get("output", found).items():
            if isinstance(value, dict) and value.get("articleBody"):
                (work / f"{key}.{name}.txt").write_text(value["articleBody"])
    cluster = joined(dedup.scan([work]))
    of = defaultdict(list)
    for name, number in cluster.items():
        of[number].append(name.split(".")[0])
    together = [a == b for group in of.values() for a, b in itertools.combinations(group, 2)]
    sizes = Counter(name.split(".")[0] for name in cluster)
    pairs = sum(n * (n - 1) // 2 for n in sizes.values())
    print(
        f"| article-extraction-benchmark | {pairs} pairs | {sum(together)} ({sum(together) / pairs:.4f}) | "
        f"{together.count(False)} across articles ({together.count(False) / len(together):.4f} of all) |"
    )


def chardet(clone: Path, work: Path) -> None:
    """Files in folders that are named after their encoding: the letters must be those of that encoding."""
    for said in (True, False):
        right: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for file, codec in encoded(clone / "tests"):
            data = file.read_bytes() if said else unlabelled(file.read_bytes())
            seen[codec or file.parent.name] += 1
            if codec:
                meant = repair(data.decode(codec, "replace").encode("utf-8", "replace"))[0]
                right[codec] += letters(decode(data).utf8.decode()) == letters(meant.decode())
        wrong = ", ".join(
            f"{codec} {n - right[codec]} of {n}" for codec, n in sorted(seen.items()) if right[codec] < n
        )
        what = "" if said else ", what they say of themselves taken out"
        print(f"| chardet{what} | {seen.total()} files | {right.total()} | {wrong} |")
        if said:
            print("\n".join(f"|   {codec} | {n} | {right[codec]} | |" for codec, n in sorted(seen.items())))


def encoded(tests: Path) -> Iterator[tuple[Path, str]]:
    """The files, each with the codec that its folder names; "" where Python has none."""
    for folder in sorted(path for path in tests.iterdir() if path.is_dir()):
        parts = CODECS.get(folder.name, folder.name).split("-")
        codec = ""
        while parts and not codec:
            try:
                codec = codecs.lookup("-".join(parts)).name
            except LookupError:
                parts.pop()
        yield from ((file, codec) for file in sorted(folder.iterdir()) if file.is_file())


def unlabelled(data: bytes) -> bytes:
    """A page without what it says of its encoding."""
    return data.replace(b"encoding=", b"enc=").replace(b"charset=", b"ch=").replace(b"CHARSET=", b"CH=")


def ftfy(clone: Path, work: Path) -> None:
    """Mojibake of all kinds, mostly single words and tweets; and texts that are none."""
    for name in ("in-the-wild", "synthetic", "negative"):
        cases = json.loads((clone / "tests/test-cases" / f"{name}.json").read_text())
        right = 0
        for case in cases:
            mended = repair(case["original"].encode("utf-8", "replace"))[0].decode()
            right += letters(mended) == letters(case.get("fixed", case.get("fixed-encoding")))
        print(f"| ftfy, {name} | {len(cases)} texts | {right} | |")


def minhash(clone: Path, work: Path) -> None:
    """Articles of which some were copied and reworded."""
    for size in (100, 1000, 2500):
        rows = work / f"{size}.jsonl"
        with open(rows, "w") as out, open(clone / f"data/articles_{size}.train") as lines:
            for line in lines:
                name, text = line.rstrip("\n").split(" ", 1)
                out.write(json.dumps({"id": name, "text": text}) + "\n")
        pairs = (clone / f"data/articles_{size}.truth").read_text().splitlines()
        truth = {frozenset(line.split()) for line in pairs}
        run = dedup.scan([rows])
        groups = defaultdict(list)
        for name, cluster in zip(run.documents.id, run.verdict.cluster.tolist(), strict=True):
            groups[cluster].append(name)
        found = {frozenset(pair) for group in groups.values() for pair in itertools.combinations(group, 2)}
        f1 = 2 * len(found & truth) / (len(found) + len(truth))
        print(f"| MinHash, {size} articles | {len(truth)} pairs | {len(found & truth)} | F1 {f1:.4f} |")


def json_suite(clone: Path, work: Path) -> None:
    """Files that are, are not, or may be JSON, each read as JSON Lines: a row or one clear fault."""
    for file in sorted((clone / "test_parsing").glob("*.json")):
        shutil.copy(file, work / f"{file.stem}.jsonl")
    _statuses("JSONTestSuite", work)


def pdf(clone: Path, work: Path) -> None:
    """PDF files; needs the extra `documents`."""
    _statuses("py-pdf sample-files", clone, "*.pdf")


def _statuses(name: str, folder: Path, pattern: str = "*") -> None:
    files = sorted(folder.rglob(pattern))
    run = dedup.scan(files)
    found = Counter(STATUS[s] for s in run.documents.status.tolist())
    print(f"| {name} | {len(files)} files | {', '.join(f'{n} {s}' for s, n in found.most_common())} | |")


def post_ocr(clone: Path, work: Path) -> None:
    """Each text as it was read by a scanner and as it was corrected, by the share of letters that differ."""
    there = clone / "data/datasets/ocr/original/icdar-2019"
    errors: dict[str, float] = {}
    for file in sorted(there.rglob("*.txt")):
        lines = dict(re.findall(r"^\[\s*(\w+)\] ?(.*)$", file.read_text("utf-8"), re.M))
        both = list(zip(lines["OCR_aligned"], lines["GS_aligned"], strict=False))
        both = [(read, true) for read, true in both if "#" not in (read, true)]  # no truth is known there
        name = "-".join(file.parts[-2:]).removesuffix(".txt")
        texts = ["".join(pair[side] for pair in both if pair[side] != "@") for side in (0, 1)]
        if min(len(letters(text)) for text in texts) < 64:
            continue
        for text, kind in zip(texts, ("read", "true"), strict=True):
            (work / f"{name}.{kind}.txt").write_text(text)
        wrong = sum(letters(read) != letters(true) for read, true in both)
        errors[name] = wrong / len(letters(texts[1]))
    run = dedup.scan([work])
    cluster = joined(run)
    for receipts in (False, True):
        for low, high in ((0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.5)):
            some = [n for n, e in errors.items() if low <= e < high and n.startswith("FR3") == receipts]
            found = sum(cluster[f"{n}.read.txt"] == cluster[f"{n}.true.txt"] for n in some)
            what = "post-OCR, receipts" if receipts else "post-OCR"
            print(f"| {what}, {low:.0%} to {high:.0%} of the letters wrong | {len(some)} pairs | {found} | |")
    names = [os.path.basename(os.fsdecode(n)).split(".")[0] for n in run.names]
    pairs = run.pairs.docs[run.pair_relations != RELATIONS.index("form")].tolist()
    wrong = sum(names[a] != names[b] for a, b in pairs)
    print(f"| post-OCR, pairs of two texts | {len(pairs)} pairs | {len(pairs) - wrong} | |")


CLONES = {
    "llm-transcript-postcorrection": post_ocr,
    "readability": readability,
    "article-extraction-benchmark": articles,
    "chardet": chardet,
    "python-ftfy": ftfy,
    "MinHash": minhash,
    "JSONTestSuite": json_suite,
    "sample-files": pdf,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clones", type=Path)
    parser.add_argument("names", nargs="*", default=list(CLONES))
    chosen = parser.parse_args()
    print("| folder | holds | right | wrong, and why |\n|---|--:|--:|---|")
    for name in chosen.names:
        if not (chosen.clones / name).is_dir():
            print(f"| {name} | not there | | |")
            continue
        with tempfile.TemporaryDirectory() as work:
            CLONES[name](chosen.clones / name, Path(work))


if __name__ == "__main__":
    main()
