"""Words for numbers, figures and relations, used by all reports."""

from __future__ import annotations

from ..core.errors import safe

RELATION_HELP = {
    "identical": "nothing: same bytes",
    "encoding": "only encoding or line ends",
    "whitespace": "only spacing, line breaks",
    "case": "capitals",
    "punctuation": "punctuation, tokenization",
    "near": "some text; Jaccard J",
    "scanned": "errors of a scanner or typist; aligned A",
    "contained": "it is part; containment C",
    "rewritten": "most words; skeleton S",
    "form": "what it says, in the same form",
}
LETTER = {
    **{"jaccard": "J", "containment": "C", "skeleton_jaccard": "S", "aligned": "A"},
    **{"discounted_jaccard": "own J", "discounted_containment": "own C"},  # without boilerplate
}


def safe_lines(text: str) -> str:
    """Text of a document -> the same, but its lines and tabs stay.

    >>> safe_lines("a\\r\\n\\tb\\x07")
    'a\\n\\tb\\\\x07'
    """
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(safe(cell) for cell in line.split("\t")) for line in lines)


def size(n: int) -> str:
    """Bytes -> words.

    >>> size(999), size(12_345_678)
    ('999 B', '12.3 MB')
    """
    value, unit = float(n), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "cluster"), counted(1234, "cluster")
    ('1 cluster', '1,234 clusters')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def decided(figure: str, value: float, line: float) -> str:
    """Return the figure that decided, with its value and its line; nothing where the letters are equal.

    >>> decided("discounted_jaccard", 0.523, 0.5), decided("letters", 1.0, 1.0)
    ('own J 0.523 of 0.5', '')
    """
    return f"{LETTER[figure]} {value:.3f} of {line:.3g}" if figure in LETTER else ""


def lost(share: float) -> str:
    """Return the share of a document that its witness lacks, in words.

    >>> lost(0.0), lost(0.00012), lost(0.0312)
    ('', 'lost 0.012 %', 'lost 3.1 %')
    """
    return f"lost {share * 100:.2g} %" if share else ""
