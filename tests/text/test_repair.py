"""Repairs: what is damaged is undone, what is not is left alone, and each step is recorded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.text.repair import REPAIRS, repair, repair_all

from ..conftest import OTHER, POST
from ..examples import examples

PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Ferries</title><style>p {margin: 0}</style>"
    "<script>var a = '<p>no text</p>';</script></head><body><nav><a href='/'>Home</a></nav>"
    f"<p>{POST.replace('warm', '<b>warm</b>')}</p>"
    f"<p>{OTHER.replace(';', '&#59;').replace(' and ', ' &amp;amp; ')}</p></body></html>"
)


@pytest.mark.parametrize(
    ("damaged", "meant", "name"),
    [
        (PAGE, f"Ferries Home {POST} {OTHER.replace(' and ', ' & ')}", "html"),
        ("she &apos;s here &#91; 1 &#93; &amp; there &quot;", "she 's here [ 1 ] & there \"", "entities"),
        ("cafÃ© dÃ©jÃ\xa0 vu, itâ€™s", "café déjà vu, it’s", "mojibake"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€", "Привет мир", "mojibake"),
        ("caf\\u00e9 \\u2014 na\\u00efve", "café — naïve", "json escapes"),
        ('one\\ntwo \\"three\\"\\nfour\\n', 'one\ntwo "three"\nfour\n', "json escapes"),
        ("hives -LRB- five -RRB- here", "hives   five   here", "ptb codes"),
        ("漢字《かんじ》を｜読む《よむ》", "漢字を読む", "ruby"),
    ],
)
def test_damage_is_undone_and_recorded(damaged, meant, name):
    text, done = repair(damaged.encode())
    assert " ".join(text.decode().split()) == " ".join(meant.split())
    assert name in done


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d; R&D; AT&T",
        "Use <b>bold</b> and <i>italics</i> sparingly, and close every <p>.",
        "The path C:\\new\\table\\notes is not escaped, nor is \\nabla or \\textbf{x}.\n" * 3,
        "Ã la carte; naïve façade; Señor Ñandú; ÉCOLE",
        "B-flat and LRB- are left; 《風立ちぬ》は題である。",
        "São Paulo, Łódź, Αθήνα, Москва, 東京",
    ],
)
def test_clean_text_is_left_alone(text):
    assert repair(text.encode()) == (text.encode(), ())


@given(st.text())
def test_any_text_can_be_repaired(text):
    done = repair(text.encode("utf-8", "replace"))[1]
    assert set(done) <= set(REPAIRS)


PIECES = [
    *(
        "cafÃ© ",
        "itâ€™s",
        "ÐŸÑ€Ð¸Ð²ÐµÑ‚",
        "Ã",
        "é",
        "éà",
        "ï¿½",
        "�",
        "ÃŸÃ¼Ã©Ã¨Ãª",
        "ÃŸÃ¼Ã©Ã¨Ãªé",
        "ÃŸÃ¼Ã©Ã¨Ãªé" * 3,
    ),
    *(
        "&amp;",
        "&",
        ";",
        "<p>",
        "<html>",
        "\\u00e9",
        "\\n",
        "\n",
        "-LRB-",
        "-rrb-",
        "Rb-",
        "《かな》",
        "［＃",
        "漢字",
    ),
    *("Ä\xa0", "Ã\xa0", "РЎС‚", "├▒", "─½", "√©", "Ă©", "я┌", "Ïðèâåò", "ñîâ", "Город", "│", "–"),
    *("ã€Š", "Å’", "Æ’", "Ë†", "â‚¬", "â„¢", "\x80", "\xad", "ð", "🐝", "ðŸ\x90\x9d", "a" * 65536),
]


@examples(300)
@given(st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join), max_size=4))
def test_texts_at_once_are_repaired_as_one_by_one(texts):
    utf8 = [t.encode("utf-8", "replace") for t in texts]
    one_by_one = {i: repair(t) for i, t in enumerate(utf8)}
    assert repair_all(utf8) == {i: found for i, found in one_by_one.items() if found[1]}


def test_markup_nested_beyond_reason_does_not_stop_a_scan():
    text, _ = repair(("<html>" + "<div>" * 200_000 + POST).encode())
    assert b"outer islands" in text


def test_the_page_source_and_the_text_taken_out_of_it_are_one_document(files):
    folder = files({"a.html": PAGE, "b.txt": f"Ferries\n\nHome\n\n{POST}\n\n{OTHER.replace(' and ', ' & ')}"})
    run = dedup.scan(folder, run=folder / "run")
    (member,) = run.drop()
    assert (member.relation, member.jaccard) == ("whitespace", 1.0)
    assert dedup.open_run(folder / "run").documents.repairs == ["html,entities", ""]


def test_records_are_repaired_too(files):
    rows = [{"text": PAGE}, {"text": POST.replace("'", "&apos;")}, {"text": POST}]
    run = dedup.scan(files({"a.jsonl": "\n".join(map(json.dumps, rows))}) / "a.jsonl")
    assert run.documents.repairs == ["html,entities", "entities", ""]
    assert run.summary["documents"]["kept"] == 1
