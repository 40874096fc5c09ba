"""Explain: relation, figures, alignment and place of any two documents, in three formats."""

import json
import os
import random
import re
import resource
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.content.words import counts, letters_at, words
from dedup.core.settings import Settings
from dedup.reports.documents import DocumentText, find
from dedup.reports.explain.align import align
from dedup.reports.explain.explain import explain
from dedup.reports.explain.html import page
from dedup.reports.explain.hunks import Fold, Hunk, hunks, marked
from dedup.reports.explain.terminal import print_explanation
from dedup.text.normalize import letter_table, letters

from ..cli.test_cli import one_line
from ..conftest import ALIKE_ALONE, OTHER, POST, brute_force, brute_force_skeleton, shingle_set
from ..matching.test_passages import Prose
from ..noise import scan as scanned

EVIL = "\x1b[31m<script>alert('x')</script>&amp;\x07\u202e"
SOUP = st.text(alphabet=st.sampled_from("abcAB éﬁ½'’.,-<>()\n\t猫犬だ한\u0301\u00ad"), max_size=60)


def of(left: str | bytes, right: str | bytes, **settings):
    """Two texts -> their explanation."""
    raw = [t if isinstance(t, bytes) else t.encode() for t in (left, right)]
    sides = [DocumentText(name, -1, t, t, "utf-8") for name, t in zip("ab", raw, strict=True)]
    return explain(*sides, Settings(**settings))


def kinds(left: str, right: str) -> list[tuple[str, str, str]]:
    """Two texts -> the spans of their alignment as text."""
    found = align(left, right, letter_table()).spans
    return [(s.kind, left[slice(*s.left)], right[slice(*s.right)]) for s in found]


def printed(found, width: int = 80) -> str:
    import io

    from rich.console import Console

    paper = io.StringIO()
    print_explanation(found, Console(file=paper, width=width, highlight=False))
    return paper.getvalue()


# ------------------------------------------------------------------ words and spans


@given(SOUP)
def test_letters_by_the_table_are_the_letters(text):
    found, before = letters_at(text, letter_table())
    assert found == letters(text)
    assert before.tolist() == [len(letters(text[:i])) for i in range(len(text) + 1)]
    assert "".join(words(text, letter_table()).letters) == found
    assert counts(text, letter_table())[0] == len(found)


@given(SOUP, SOUP, SOUP, SOUP)
def test_spans_cover_both_texts_and_same_ones_have_the_same_letters(a, b, c, d):
    left, right = a + b + c, a + d + c
    spans = kinds(left, right)
    assert "".join(x for _, x, _ in spans) == left
    assert "".join(y for _, _, y in spans) == right
    for kind, x, y in spans:
        assert bool(x) == (kind != "only_right")
        assert bool(y) == (kind != "only_left")
        if kind == "same":
            assert letters(x) == letters(y)
        if kind.startswith("only"):
            assert x + y


def test_what_is_written_otherwise_is_the_same_span():
    assert kinds("You can't STOP, ﬁne.", "you ca n't stop , fine .") == [
        ("same", "You can't STOP, ﬁne.", "you ca n't stop , fine .")
    ]
    assert [k for k, _, _ in kinds("exam-\nple", "example")] == ["same"]
    assert [k for k, _, _ in kinds("crème brûlée", "cre\u0300me bru\u0302le\u0301e")] == ["same"]


def test_a_difference_is_the_words_that_differ_with_their_marks():
    assert kinds("The red (old) house.", "The red, new house.") == [
        ("same", "The red ", "The red, "),
        ("replaced", "(old) ", "new "),
        ("same", "house.", "house."),
    ]
    assert kinds("<p>I know.</p>", "I know.") == [
        ("only_left", "<p>", ""),
        ("same", "I know.", "I know."),
        ("only_left", "</p>", ""),
    ]
    assert kinds("I did", "I menu I did")[0] == ("only_right", "", "I menu ")


def test_scripts_without_spaces_are_aligned_by_character():
    assert kinds("猫は黒いです。", "猫は白いです。") == [
        ("same", "猫は", "猫は"),
        ("replaced", "黒", "白"),
        ("same", "いです。", "いです。"),
    ]


def test_unrelated_texts_are_no_confetti_of_chance_agreements():
    assert len(kinds(POST, OTHER)) <= 3


MAP = "Fold the map so that the harbour lies outside, and pencil in the buoys before it rains."


def moves(left: str, right: str) -> list[tuple[str, str]]:
    """Two texts -> the passages that have only moved, as they stand in each."""
    found = align(left, right, letter_table()).moves
    return [(left[slice(*m.left)], right[slice(*m.right)]) for m in found]


def test_a_paragraph_that_only_stands_elsewhere_has_moved():
    left, right = f"{MAP}\n\n{POST}\n\n{OTHER}\n", f"{POST}\n\n({MAP.upper()})\n\n{OTHER}\n"
    assert moves(left, right) == [(f"{MAP}\n\n", f"({MAP.upper()})\n\n")]
    assert moves(right, left) == [(f"({MAP.upper()})\n\n", f"{MAP}\n\n")]
    kinds = [(s.kind, left[slice(*s.left)], right[slice(*s.right)]) for s in marked_of(left, right)]
    assert [k for k, _, _ in kinds] == ["moved_left", "same", "moved_right", "same"]
    assert moves(left, f"{POST}\n\n{OTHER}\n") == []
    assert moves(left, f"{left}\n{MAP}") == []  # there twice: it is added, and has not moved
    assert moves("Nobody knows it.\n" + POST, POST + "\nNobody knows it.") == []  # fewer than 32 letters


def marked_of(left: str, right: str):
    return marked(align(left, right, letter_table()))


def test_what_moved_and_what_was_changed_in_it_are_told_apart():
    left, right = f"{MAP} {POST}", f"{POST} {MAP.replace('pencil in', 'draw')}"
    assert moves(left, right) == [("Fold the map so that the harbour lies outside, and ",) * 2]
    kinds = [(s.kind, left[slice(*s.left)], right[slice(*s.right)]) for s in marked_of(left, right)]
    assert kinds[1] == ("only_left", "pencil in the buoys before it rains. ", "")
    assert kinds[-1] == ("only_right", "", "draw the buoys before it rains.")


def test_paragraphs_in_another_order_are_moved_in_scripts_without_spaces_too():
    one, two = ("".join(chr(first + 7 * i) for i in range(40)) + "。" for first in (0x4E00, 0x5E00))
    ((left, right),) = moves(one + two, two + one)
    assert letters(left) == letters(right)
    assert letters(left) in (letters(one), letters(two))


@given(st.permutations([MAP, POST, OTHER, "Short.", "Menu | Home"]), SOUP, SOUP)
def test_spans_cut_at_moves_cover_both_texts_and_moved_ones_have_the_same_letters(parts, a, b):
    left = "\n".join([a, MAP, POST, OTHER, "Short.", "Menu | Home"])
    right = "\n".join([*parts, b])
    found = align(left, right, letter_table())
    spans = marked(found)
    assert "".join(left[slice(*s.left)] for s in spans) == left
    assert "".join(right[slice(*s.right)] for s in spans) == right
    for move in found.moves:
        x, y = left[slice(*move.left)], right[slice(*move.right)]
        assert letters(x) == letters(y)
        assert len(letters(x)) >= 32
    assert {s.left for s in spans if s.kind == "moved_left"} == {m.left for m in found.moves}
    assert {s.right for s in spans if s.kind == "moved_right"} == {m.right for m in found.moves}


# ------------------------------------------------------------------ relation and figures


@pytest.mark.parametrize(
    ("left", "right", "relation"),
    [
        (POST, POST, "identical"),
        (POST, POST.replace(" ", "\n"), "whitespace"),
        (POST, POST.upper(), "case"),
        (POST, POST.replace("n't", " n't").replace(",", " ,"), "punctuation"),
        (POST, POST.replace("warm coat", "thick jumper"), "near"),
        (OTHER + POST + OTHER, POST[:200], "contained"),
        (POST, OTHER, "different"),
        (OTHER + POST + OTHER, "the harbour master's", "different"),  # fewer than 32 shingles
    ],
)
def test_relation_and_figures_are_those_of_the_definition(left, right, relation):
    found = of(left, right)
    assert found.relation == relation
    figures = found.as_dict()["figures"]
    a, b = shingle_set(left), shingle_set(right)
    shared = len(a & b)
    assert (figures["jaccard"], figures["shared"]) == (brute_force(left, right)[0], shared)
    assert (figures["left_in_right"], figures["right_in_left"]) == (shared / len(a), shared / len(b))
    assert figures["skeleton_jaccard"] == brute_force_skeleton(left, right)
    assert figures["larger_holds_more"] == max(len(a), len(b)) - len(a & b)
    assert of(left, right, k=5).figures.left == len(shingle_set(left, 5))


def test_unrelated_texts_are_no_instances_of_one_form_and_neither_may_go():
    for left, right in ((POST, OTHER), (OTHER + POST + OTHER, "the harbour master's")):
        found = of(left, right)
        assert found.relation == "different"
        assert not found.says.of_one_form
        assert found.says.may_go == (False, False)
        assert "neither may be dropped" in printed(found)


def test_texts_of_equal_letters_lack_nothing_of_each_other(run, files):
    plain = "".join(c for c in POST if c.isalpha())
    files({"in/a": POST, "in/b": " ".join(plain[i : i + 3] for i in range(0, len(plain), 3))})
    run("scan", "in", "-q")
    found = run("explain", "in/a", "in/b", "--format", "json").json
    assert [row["relation"] for row in run("export", "drop", "--format", "jsonl").jsonl] == [
        found["relation"]
    ]
    content = found["content"]
    assert (content["lost_left"], content["lost_right"]) == (0, 0)
    assert (content["left_may_go"], content["right_may_go"]) == (True, True)


def test_what_a_run_dropped_may_go_whatever_is_measured_afresh():
    near = POST.replace("warm coat", "thick jumper")
    result = dedup.scan_texts([POST, near], **ALIKE_ALONE)
    sides = [find(name, result) for name in "12"]
    assert explain(*sides, Settings()).says.may_go == (False, False)
    assert explain(*sides, Settings(), result).says.may_go == (True, False)  # the longer one stays


def test_pages_that_are_mostly_boilerplate_are_explained_by_their_own_line():
    prose = Prose(2)
    top, bottom = prose.text(25), prose.text(25)
    texts = [f"{top} {prose.text(n)} {bottom}" for n in [60] * 20 + [8] * 4]
    result = dedup.scan_texts(texts)
    found = explain(find("21", result), find("22", result), Settings(), result)
    figures = found.as_dict()["figures"]
    assert 0.5 < figures["jaccard"] < figures["jaccard_line"] == 0.8
    assert found.relation == "different"
    shown = printed(found, 200)
    assert "mostly boilerplate: Jaccard 0.8 and aligned letters" in shown
    assert "Jaccard 0.5" not in shown
    others = printed(explain(find("1", result), find("2", result), Settings(), result), 200)
    assert "Jaccard 0.5, containment 0.8 without boilerplate" in others


def test_the_settings_decide_what_is_near():
    changed = POST.replace("warm coat", "thick jumper")
    assert of(POST, changed, min_jaccard=0.99, min_containment=1.0).relation == "different"


def test_a_part_is_placed_by_the_lines_of_its_whole():
    whole = "menu\nI\n\n" + "\n".join(POST.split(". ")) + "\nfooter\n"
    place = of(POST, whole).as_dict()["place"]
    assert place is None  # near, not contained
    whole = f"{OTHER}\n\n{POST}\n{OTHER}\n{OTHER}"
    place = of(whole, POST, min_jaccard=0.9).place
    assert (place.part, place.whole, place.first_line, place.last_line) == ("b", "a", 3, 3)
    assert whole[place.start : place.end] == POST
    assert of(POST, whole, min_jaccard=0.9).place.first_line == 3


def test_lines_are_those_of_the_file_before_it_was_repaired(run, files):
    files({"a.html": f"<!DOCTYPE html>\n<html><body>\n\n<p>{POST}</p>\n</body></html>\n", "b": POST.lower()})
    found = run("explain", "a.html", "b", "--format", "json").json
    assert found["left"]["repairs"]
    long = f"<html><body>\n<p>{OTHER}</p>\n<p>{POST}</p>\n<p>{OTHER[::-1]}</p></body></html>"
    files({"c.html": long, "d": POST})
    run("scan", "c.html", "d", "--min-jaccard", "0.9", "-q")
    place = run("explain", "c.html", "d", "--format", "json").json["place"]
    assert (place["first_line"], place["last_line"]) == (3, 3)


def test_words_written_otherwise_are_counted():
    found = of("I can't. I won't.", "i ca n't . i wo n't .")
    assert found.otherwise == {("I", "i"): 2, ("can't.", "ca n't ."): 1, ("won't.", "wo n't ."): 1}
    assert of("猫は、黒い。", "猫は，黒い。").otherwise == {("は、", "は，"): 1}


def test_a_text_without_letters_is_explained_and_noted():
    for left, right in [("", ""), ("?!", "…"), ("", POST), ("--", POST)]:
        found = of(left, right)
        assert "no letters" in printed(found)
        assert "no letters" in "".join(page(found))
        json.loads(found.as_json())
    assert of("--", POST).relation == "different"
    assert of("--", POST).figures.shared == 0


def test_repairs_are_listed_where_there_are_any():
    side = DocumentText("a", -1, b"x", b"x", "utf-8", ("mojibake",))
    found = explain(side, side, Settings())
    assert found.as_dict()["left"]["repairs"] == ["mojibake"]
    assert "mojibake" in printed(found)
    assert "mojibake" in "".join(page(found))


# ------------------------------------------------------------------ what is shown


def test_shared_passages_are_folded_with_a_few_words_around_each_difference():
    left, right = f"{POST} old {OTHER}", f"{POST} new {OTHER}"
    first, difference, last = hunks(align(left, right, letter_table()).spans, left, right)
    assert isinstance(first, Fold)
    assert isinstance(difference, Hunk)
    assert isinstance(last, Fold)
    assert [s.kind for s in difference.spans] == ["same", "replaced", "same"]
    shown = printed(of(left, right))
    assert "[-old-] {+new+}" in shown
    assert re.search(r"… \d\d words the same …", shown)
    assert "telephone" not in shown


@given(SOUP, SOUP, SOUP)
def test_hunks_and_folds_cover_both_texts(a, b, c):
    left, right = POST + a + POST + b, POST + b + POST + c
    ranges = []
    for part in hunks(align(left, right, letter_table()).spans, left, right):
        ranges += [part] if isinstance(part, Fold) else part.spans
    assert "".join(left[slice(*r.left)] for r in ranges) == left
    assert "".join(right[slice(*r.right)] for r in ranges) == right


def test_what_moved_is_marked_with_the_lines_where_it_is_and_the_marks_are_told_once():
    found = of(f"{MAP}\n\n{POST}\n{OTHER}", f"{POST}\n{OTHER} Now!\n\n{MAP}\n")
    for width in (80, 200):
        shown = " ".join(printed(found, width).split())
        assert (
            shown.count("[-only in A-] {+only in B+} [~moved~ to lines of B] {~moved~ from lines of A}") == 1
        )
        assert "[~Fold the map" in shown
        assert "{~Fold the map" in shown
        assert "{+Now!+}" in shown
    assert "rains.~ B 4]" in " ".join(printed(found).split())
    assert "rains.~ A 1}" in " ".join(printed(found).split())
    html = "".join(page(found))
    assert f'<del class="moved">{MAP}</del> <small>moved: B 4</small>' in html
    assert f'<ins class="moved">{MAP}</ins> <small>moved: A 1</small>' in html
    at = len(f"{POST}\n{OTHER} Now!\n\n")
    assert found.as_dict()["moved"] == [
        {"left": {"start": 0, "end": len(MAP) + 2}, "right": {"start": at, "end": at + len(MAP) + 1}}
    ]
    plain = printed(of(POST, POST.replace("warm", "thick")))
    assert "[-only in A-] {+only in B+}\n" in plain
    assert "only in A" not in printed(of(POST, POST.upper()))


def test_hostile_text_reaches_neither_terminal_nor_page():
    for found in (of(EVIL + POST, POST), of(EVIL, EVIL), of(POST + EVIL.upper() + POST, POST + EVIL + POST)):
        for shown in (printed(found), printed(found, 200), "".join(page(found))):
            assert not set(shown) & {"\x1b", "\x07", "\u202e"}
        assert "<script" not in "".join(page(found)).lower()
        assert found.as_json().isascii()


class Tags(HTMLParser):
    """The tags of a page that are open, and those it has."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_one_file_without_scripts_or_requests():
    tags = Tags()
    shown = "".join(page(of(f"{OTHER} old\n{POST * 20}", f"new {OTHER}\n{POST * 20} {OTHER * 20}")))
    tags.feed(shown)
    assert tags.open == []
    assert {"del", "ins", "details"} <= tags.seen
    assert not {"script", "img", "link", "iframe"} & tags.seen
    assert "default-src 'none'; style-src 'unsafe-inline'" in shown
    assert "prefers-color-scheme: dark" in shown


def test_the_texts_stand_side_by_side_where_there_is_room():
    found = of(f"{POST} old", f"{POST} new")
    wide = next(line for line in printed(found, 200).splitlines() if "[-old-]" in line)
    assert "{+new+}" in wide
    assert all(len(line) <= 80 for line in printed(found, 80).splitlines())


def test_side_by_side_no_character_of_a_text_without_spaces_is_lost():
    text = "".join(chr(0x4E00 + 7 * i) for i in range(300))
    shown = "".join(printed(of(text, text[::-1]), 130).split())
    assert all(c in shown for c in text)
    assert "[-" in shown


# ------------------------------------------------------------------ bounds


def many_words(seed: int) -> list[str]:
    chance = random.Random(seed)
    return chance.choices([f"w{i:x}" for i in range(30000)], [1 / (i + 1) for i in range(30000)], k=200_000)


def peak():
    """The most kilobytes of memory that this process, in which other tests may have run, has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.slow
def test_200_000_words_are_aligned_within_bounds():
    one = many_words(1)
    chance = random.Random(2)
    edited = [f"w{chance.randrange(30000):x}" if chance.random() < 0.05 else w for w in one]
    held_before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024
    peak_before = peak()
    start = time.perf_counter()
    found = of(" ".join(one), " ".join(edited))
    assert not found.alignment.cut_short
    same = sum(s.left[1] - s.left[0] for s in found.alignment.spans if s.kind == "same")
    assert same > 0.85 * len(" ".join(one))
    other = of(" ".join(one), " ".join(many_words(3)))
    assert "cut short" in printed(other)
    assert len("".join(page(found))) < 50_000_000
    for left, right in ([["a b"] * 100_000, ["a c b"] * 66_000], [["x"] * 200_000, ["y"] * 200_000]):
        of(" ".join(left), " ".join(right))
    assert time.perf_counter() - start < 40
    assert peak() < max(peak_before, held_before + 1_200_000)


# ------------------------------------------------------------------ the command


def test_any_two_documents_of_a_run_are_explained_with_its_settings(run, files):
    rows = "".join(json.dumps({"body": t}) + "\n" for t in (POST.upper(), OTHER))
    files({"in/a.txt": POST, "in/b.jsonl": rows})
    run("scan", "in", "--k", "6", "-q")
    found = run("explain", "in/a.txt", "in/b.jsonl:1", "--format", "json").json
    assert (found["relation"], found["figures"]["k"]) == ("case", 6)
    assert found["left"]["run"] == "kept, canonical in cluster #1"
    assert found["right"]["run"] == "dropped for in/a.txt, cluster #1"
    shown = run("explain", "in/b.jsonl:1", "in/b.jsonl:2")
    assert "different" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_every_pair_of_a_run_has_the_relation_and_figures_of_the_run(run, files):
    near = POST.replace("warm coat", "thick jumper")
    files(
        {
            "in/a": POST,
            "in/b": near,
            "in/c": POST.upper().encode("utf-16"),
            "in/d": POST.replace(" ", "\n"),
            "in/e": f"{OTHER} {POST} {OTHER}",
        }
    )
    run("scan", "in", "-q")
    for pair in run("export", "pairs", "--format", "jsonl").jsonl:
        found = run("explain", pair["left"], pair["right"], "--format", "json").json
        figures = found["figures"]
        assert found["relation"] == pair["relation"]
        assert figures["jaccard"] == pair["jaccard"]
        assert (figures["shared"], figures["shingles_left"]) == (pair["overlap"], pair["size_left"])


def test_files_need_no_run(run, files):
    files({"a.txt": POST.encode("utf-16"), "b.txt": POST, "c.jsonl": json.dumps({"text": OTHER})})
    found = run("explain", "a.txt", "b.txt", "--format", "json").json
    assert (found["relation"], found["left"]["encoding"], found["left"]["run"]) == (
        "encoding",
        "utf-16",
        None,
    )
    assert "different" in run("explain", "./b.txt", "c.jsonl:1").stdout
    one_line(run("explain", "a.txt", "c.jsonl", code=2), "c.jsonl:1", "many documents")
    one_line(run("explain", "a.txt", "c.jsonl:7", code=2), "no document on line 7")
    one_line(run("explain", "a.txt", "b.txt", "--run", "none", code=2), "none", "no run here")


def test_an_unknown_name_is_told_with_the_closest_ones(run, files):
    files({"in/winter.txt": POST, "in/summer.txt": OTHER})
    one_line(run("explain", "in/wintre.txt", "in/summer.txt", code=2), "in/wintre.txt: no such file")
    run("scan", "in", "-q")
    one_line(run("explain", "in/wintre.txt", "in/summer.txt", code=2), "closest", "in/winter.txt")
    one_line(run("explain", "winter.txt", "in/summer.txt", code=2), "closest", "in/winter.txt")


def test_a_file_that_changed_is_explained_as_it_is_now_and_one_that_went_is_told(run, files):
    rows = [json.dumps({"text": t}) for t in (POST, OTHER)]
    folder = files({"in/a.txt": POST, "in/b.txt": POST.upper(), "in/c.jsonl": "\n".join(rows)})
    run("scan", "in", "-q")
    files({"in/b.txt": OTHER, "in/c.jsonl": "\n".join([rows[0], json.dumps({"text": "Now."})])})
    found = run("explain", "in/a.txt", "in/b.txt", "--format", "json").json
    assert found["relation"] == "different"
    assert "changed since the scan" in found["right"]["notes"][0]
    assert "changed since the scan" in run("explain", "in/a.txt", "in/b.txt").stdout
    assert run("explain", "in/a.txt", "in/c.jsonl:2", "--format", "json").json["right"]["letters"] == 3
    os.unlink(folder / "in/b.txt")
    one_line(run("explain", "in/a.txt", "in/b.txt", code=2), "in/b.txt", "gone since the scan")


def test_binary_data_is_not_explained(run, files):
    files({"a.txt": POST, "b.png": b"\x89PNG\r\n\x1a\n" + bytes(99)})
    one_line(run("explain", "a.txt", "b.png", code=2), "b.png", "binary")


def test_an_explanation_is_written_to_a_file_once(run, files):
    folder = files({"a.txt": POST, "b.txt": POST.upper()})
    outcome = run("explain", "a.txt", "b.txt", "-o", "why.html")
    assert outcome.stdout == ""
    assert (folder / "why.html").read_text().startswith("<!DOCTYPE html>")
    one_line(run("explain", "a.txt", "b.txt", "-o", "why.html", code=2), "why.html", "--force")
    asked = ("explain", "a.txt", "b.txt", "--format", "json", "--force", "-o")
    one_line(run(*asked, "why.html", code=2), "why.html", "html", "json")
    run(*asked, "why.html.out")
    assert json.loads((folder / "why.html.out").read_text())["relation"] == "case"
    run("explain", "a.txt", "b.txt", "-o", "why.txt")
    assert "case  capitals" in (folder / "why.txt").read_text()


def test_a_noisy_copy_is_explained_by_its_letters():
    clean = Prose(4).text(120)
    for found in (of(clean, scanned(clean, 0.15, seed=3)), of(scanned(clean, 0.15, seed=3), clean)):
        assert found.relation == "scanned"
        figures = found.figures.as_dict()
        assert 0.6 < figures["aligned"] < 0.95
        assert figures["errors"] > 30
    assert of(clean, Prose(5).text(120)).relation == "different"
