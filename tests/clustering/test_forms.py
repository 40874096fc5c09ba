"""Instances of one form stay: a document goes only for one that says all that it says."""

# ruff: noqa: E501  (texts)
from __future__ import annotations

import csv
from collections import Counter

import pytest

import dedup
from dedup import Document
from dedup.clustering.copy_names import copy_signs
from dedup.core.errors import BadSetting

from ..conftest import ROOT
from ..generated import instances, tokenized

PROBES = ROOT.parent / "shared" / "data" / "probes"
FRAME = (
    "Home News Sport Weather Culture Travel Opinion Newsletter Subscribe Sign in Search. The local paper for the valley "
    "since 1911. We use cookies to remember what you have chosen; read in our declaration how to refuse them. "
)
FOOT = (
    " Most read this week. Letters to the editor. Imprint, privacy, terms of use, advertise with us. All rights reserved; "
    "nothing on this page may be copied without leave. The editors are not answerable for pages that others keep."
)
RULES = (
    "the committee shall publish the minutes of each meeting within a week, and every member may ask for a copy of the "
    "accounts, which the treasurer keeps at the office of the society and presents once a year in spring"
)


def scan(*texts: str, **settings):
    return dedup.scan_texts([Document(text, f"{i}") for i, text in enumerate(texts)], **settings)


# ------------------------------------------------------------------ what says something else stays

OTHERS = {
    "a customer": (
        "Invoice. To Ms. Helen Abbott, 14 Mill Lane. One oak table, delivered to your door. Thank you for your custom.",
        "Invoice. To Mr. Carlos Ruiz, 92 Dock Road. One brass lamp, delivered to your door. Thank you for your custom.",
    ),
    "dates": (
        f"Feature freeze 4 May 2020. First candidate 19 May 2020. Release 2 June 2020. {RULES}",
        f"Feature freeze 9 October 2023. First candidate 30 October 2023. Release 14 November 2023. {RULES}",
    ),
    "a year": (f"In 1987 {RULES}.", f"In 2004 {RULES}."),
    "a negation": (f"You may enter the hall at night, and {RULES}.", f"You may not enter the hall at night, and {RULES}."),
    "a room": (f"We meet in room 14 on Monday, as {RULES}.", f"We meet in room 27 on Monday, as {RULES}."),
    "a sign": (f"The balance is -45 crowns: {RULES}.", f"The balance is 45 crowns: {RULES}."),
    "a decimal point": (f"Take 2.5 ml with water. Then {RULES}.", f"Take 25 ml with water. Then {RULES}."),
    "an operator": ("if a < b and c > d:\n    total = a + b\n" * 3, "if a > b and c < d:\n    total = a - b\n" * 3),
    "a language": (f"It is written in C++, and {RULES}.", f"It is written in C, and {RULES}."),
    "a command": (
        f"gchmod is an alias of chmod from the GNU tools. See the documentation of the original command. {RULES[:60]}",
        f"gunlink is an alias of unlink from the GNU tools. See the documentation of the original command. {RULES[:60]}",
    ),
    "a holder": (
        f"Copyright 1999 The Regents of Northern University. Permission is granted to use this, if {RULES}.",
        f"Copyright 2016 Maria Johanna Oosterhuis. Permission is granted to use this, if {RULES}.",
    ),
    "another article of one site": (
        f"{FRAME}The bridge over the lower river was closed to lorries after cracks were found in a pier. {FOOT}",
        f"{FRAME}Forty children planted an orchard behind the school, with help from the gardeners' guild. {FOOT}",
    ),
    "another language around code": (
        "运行以下命令安装依赖项, 然后启动服务器并检查日志:\n```\npip install example\nexample serve --port 8080\n"
        "example status --verbose --json\n```\n如果出现错误, 请查看文档。",
        "次のコマンドで依存関係をインストールし、サーバーを起動してログを確認します。\n```\npip install example\n"
        "example serve --port 8080\nexample status --verbose --json\n```\nエラーが出たら文書をご覧ください。",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_two_texts_that_differ_in_what_they_say_both_stay(what):
    assert not scan(*OTHERS[what]).drop()


def test_a_reply_that_quotes_a_message_stays_and_the_message_goes():
    answer = (
        "I cannot come on Friday, but my sister will bring the keys and the old map of the harbour with her. "
    )
    quoted = "\n".join(f"> {line}" for line in RULES.split(", "))
    run = scan(RULES, f"{answer}\n{quoted}")
    assert [(m.path, m.witness) for m in run.drop()] == [("0", "1")]


def test_the_longer_of_two_that_are_alike_is_kept():
    more = (
        f"{RULES}. A second paragraph tells of the feast, the lanterns and the boats on the lake at midnight."
    )
    run = scan(RULES, more)
    assert [m.path for m in run.drop()] == ["0"]
    assert run.drop()[0].lost == 0


# ------------------------------------------------------------------ dress is nothing said

LONG = (
    f"{RULES}. Children's books don't belong in the reading-room; Mr. O'Neill's catalogue of 1,250 volumes, printed in "
    "1962, isn't complete, and whoever finds a volume that isn't listed should tell the librarian, who'll be glad of it"
)
DRESSES = {
    "capitals": LONG.upper(),
    "tokens": tokenized(LONG),
    "no punctuation": "".join(c for c in LONG if c.isalnum() or c == " "),
    "a scan": LONG.replace("treasurer", "treasurcr").replace("volumes", "volurnes").replace("glad", "g1ad"),
    "typing errors": LONG.replace("committee", "comittee").replace("reading", "raeding"),
    "thousands": LONG.replace("1,250", "1250"),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_a_text_in_another_dress_is_the_same_document(dress):
    (dropped,) = scan(LONG, DRESSES[dress]).drop()
    assert dropped.lost == 0


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("집 앞에 서 있는 나무는 할아버지가 심은 것이고 봄마다 하얀 꽃을 피운다 아이들은 그늘에서 책을 읽는다 마을 사람들은 저녁마다 광장에 모여 음악을 듣고 노래를 부른다 할머니는 따뜻한 국을 끓여 손님을 맞는다 겨울에는 눈을 치우고 봄에는 밭을 간다", "을를"),
        ("ที่หมู่บ้านนี้มีต้นไม้ใหญ่อยู่กลางลานวัดเด็กๆชอบมาเล่นกันตอนเย็นหลังเลิกเรียน", "\u0e34\u0e35\u0e37\u0e48\u0e49"),
    ],
    ids=["Korean particles", "Thai vowel marks"],
)  # fmt: skip
def test_particles_and_marks_that_are_lost_are_dress(text, copy):
    cut = (
        " ".join(w[:-1] if len(w) > 1 and w[-1] in copy else w for w in text.split())
        if " " in text
        else "".join(c for c in text if c not in copy)
    )
    assert cut != text
    assert len(scan(f"{text} {text}", f"{cut} {cut}").drop()) == 1


# ------------------------------------------------------------------ forms at scale


@pytest.mark.parametrize("seed", [1, 2])
def test_all_instances_of_ten_forms_stay_and_the_copy_of_each_goes(seed):
    made = instances(100, seed)
    docs = [
        Document(t, name)
        for name, text in made.items()
        for name, t in ((name, text), (f"{name} copy", tokenized(text)))
    ]
    run = dedup.scan_texts(docs)
    assert Counter(path.removesuffix(" copy") for path in run.keep()) == Counter(made.keys())
    assert {m.path.removesuffix(" copy") == m.witness.removesuffix(" copy") for m in run.drop()} == {True}
    assert {len(c.members) for c in run.clusters} == {2}
    told = run.summary["forms"]
    assert told["documents"] > 600
    assert told["count"] >= 5


def test_places_that_differ_from_instance_to_instance_are_slots():
    """A pair of instances says too little to tell; all of them show that the place is filled anew each time."""
    names = ["Lindqvist", "Okafor", "Petrov", "Yamada", "Quispe", "Novak"]
    long = f"{RULES}. {LONG}. {LONG[::-1]}"
    texts = [f"This copy was made for {name} in the winter. {long}" for name in names]
    assert scan(*texts).keep() == [str(i) for i in range(6)]
    assert {m.relation for c in scan(*texts[:2]).clusters for m in c.members} <= {"kept", "near"}
    assert scan(*texts, relations="+form", max_lost=1.0).keep() != [str(i) for i in range(6)]


def test_five_fillers_make_a_place_a_slot_and_four_do_not():
    names = ["Lindqvist", "Okafor", "Petrov", "Yamada", "Quispe"]
    long = f"{RULES}. {LONG}. {LONG[::-1]}"
    texts = [f"This copy was made for {name} in the winter. {long}" for name in names]
    relations = [
        {m.relation for c in scan(*some, relations="+form", max_lost=1.0).clusters for m in c.members}
        for some in (texts, texts[:4])
    ]
    assert relations == [{"kept", "form"}, {"kept", "near"}]


# ------------------------------------------------------------------ settings, tables, words


def test_a_relation_is_added_to_the_default_set_or_taken_from_it():
    one, other = OTHERS["a room"]
    assert len(scan(one, other, relations="+form", max_lost=1.0).drop()) == 1
    assert len(scan(LONG, LONG.upper()).drop()) == 1
    assert not scan(LONG, LONG.upper(), relations="-case").drop()
    with pytest.raises(BadSetting, match="nonesuch"):
        scan(one, other, relations="+nonesuch")


def test_what_a_dropped_document_loses_is_bounded_by_max_lost():
    one, other = f"{LONG}. {LONG[::-1]}. Whoever comes late pays a fine.", f"{RULES} {LONG}. {LONG[::-1]}"
    assert not scan(one, other).drop()
    (dropped,) = scan(one, other, max_lost=0.2).drop()
    assert 0.01 < dropped.lost <= 0.2


def test_the_figure_that_decides_is_the_one_that_is_shown():
    (dropped,) = scan(LONG, f"{LONG} {RULES[:40]}").drop()
    assert dropped.figure == "jaccard"
    assert dropped.value >= dropped.line == 0.5


def test_forms_are_listed_with_a_number_for_each_family(run, files):
    made = instances(3)
    files({f"in/{name}.txt": text for name, text in made.items() if name.startswith(("invoice", "lease"))})
    run("scan", "in")
    rows = list(csv.DictReader(run("export", "forms", "--format", "csv").lines))
    assert len(rows) == 6
    assert len({row["family_id"] for row in rows}) == 2
    assert len(run("export", "keep").lines) == 6


def test_a_cluster_whose_drops_lose_something_is_told_with_the_command_that_shows_it():
    texts = [
        f"{RULES[:120]}. Signed for Mr. {name} of the lower mill."
        for name in ("Elsa Lindqvist", "Kofi Okafor", "Igor Petrov", "Emi Yamada")
    ]
    warnings = scan(*texts, relations="+form", max_lost=1.0).summary["warnings"]
    assert any("dedup show" in w for w in warnings)


# ------------------------------------------------------------------ the right keeper among equals


@pytest.mark.parametrize(
    ("copy", "original"),
    [
        ("Backup (old)/report.txt", "report.txt"),
        ("notes - Copy (2).txt", "notes.txt"),
        ("Kopie von Brief.txt", "Schreiben.txt"),
        ("draft/law.txt", "final/law.txt"),
        ("a/text.bak", "z/text.txt"),
        ("a.txt~", "a.txt"),
        ("Копия письма.txt", "письмо.txt"),
        ("a/superseded/rule.txt", "b/rule.txt"),
    ],
)
def test_a_name_that_says_copy_loses_to_one_that_does_not(run, files, copy, original):
    files({f"in/{copy}": LONG, f"in/{original}": LONG})
    run("scan", "in")
    assert run("export", "keep").lines == [f"in/{original}"]
    assert copy_signs(copy) > copy_signs(original) == 0


# ------------------------------------------------------------------ the labelled questions

DEBATABLE = {"cjk_light_edit", "edit_20", "list_reordered", "quoted_reply_sig"}  # argued in docs/quality.md


def probes() -> list[tuple[str, str]]:
    if not PROBES.is_dir():
        return []
    with open(PROBES / "probes.csv", encoding="utf-8") as f:
        rows = [(row["name"], row["expectation"].split(":")[0]) for row in csv.DictReader(f)]
    return [(name, right) for name, right in rows if name not in DEBATABLE]


@pytest.mark.skipif(
    not PROBES.is_dir(), reason="the labelled questions are not beside this checkout (../shared/data/probes)"
)
@pytest.mark.parametrize(("name", "right"), probes())
def test_a_labelled_question_is_answered(name, right):
    run = dedup.scan([PROBES / name])
    if right == "keep":
        assert not run.drop()
    elif right == "join":
        assert len(run.keep()) == 1
    elif right == "part_goes":
        (dropped,) = run.drop()
        letters = {run.name(i): n for i, n in enumerate(run.documents.n_letters.tolist())}
        assert letters[dropped.path] <= letters[dropped.witness]
