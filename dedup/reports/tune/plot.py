"""Figures of `dedup tune` -> a picture: the histogram with the line, and the S-curve (matplotlib)."""

from __future__ import annotations

import io
from typing import Any

from ...core.errors import BadSetting, DedupError
from ...readers.storage.url_files import AnyFile
from .terminal import GLYPHS

FORMATS = {".svg": "svg", ".png": "png"}
COLOURS = dict(zip(GLYPHS, ("#d9a400", "#c2553f", "#3f8fbf", "#a3528f"), strict=True))


def format_of(path: AnyFile) -> str:
    """A file name -> the format of its picture; raises BadSetting for any but svg and png."""
    if path.suffix.lower() not in FORMATS:
        raise BadSetting(f"--plot {path}: is neither .svg nor .png")
    return FORMATS[path.suffix.lower()]


def require() -> None:
    """Raise DedupError where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise DedupError("--plot needs matplotlib; install it with: pip install 'dedup[plot]'") from None


def picture(report: dict[str, Any], format: str) -> bytes:
    """The figures -> the bytes of a picture, the same for the same figures."""
    require()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, line = report["histogram"], report["settings"]["min_jaccard"]
    with matplotlib.rc_context({"svg.hashsalt": "dedup", "font.size": 9}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        pairs = figure.add_subplot()
        left = [row["from"] for row in rows]
        width = [row["to"] - row["from"] for row in rows]
        bottom = [0] * len(rows)
        for name, colour in COLOURS.items():
            n = [row[name] for row in rows]
            pairs.bar(
                left,
                n,
                width,
                bottom,
                align="edge",
                color=colour,
                edgecolor="white",
                linewidth=0.5,
                label=name,
            )
            bottom = [b + x for b, x in zip(bottom, n, strict=True)]
        n = [row["not_joined"] for row in rows]
        pairs.step([*left, 1.0], [*n, n[-1]], where="post", color="#777777", label="not joined (estimated)")
        pairs.axvline(line, color="black", linestyle="--", label=f"min_jaccard {line:g}")
        pairs.margins(y=0.05)
        pairs.set(xlabel="Jaccard", ylabel="pairs", xlim=(0, 1))
        chance, curve = pairs.twinx(), report["s_curve"]
        points = [(p["jaccard"], p["found"]) for p in curve["points"]]
        label = f"found by {curve['bands']} bands of {curve['rows']} rows"
        chance.plot(*zip(*points, strict=True), color="#2f7d4f", label=label)
        chance.set(ylabel="chance to be a candidate", ylim=(0, 1.05))
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
        paper = io.BytesIO()
        metadata = {"Date": None} if format == "svg" else {"Software": None}
        figure.savefig(paper, format=format, dpi=150, metadata=metadata)
    return paper.getvalue()
