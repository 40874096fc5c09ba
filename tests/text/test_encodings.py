"""Encodings: what a file says of itself is believed if it fits, what it does not say is found."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.core.documents import BINARY, OK
from dedup.text.decode import decode, transcode
from dedup.text.encodings import COMMON, RARE, decode_as, escaped, labels, without_mark

from ..conftest import POST

RUSSIAN = (
    "Каждую зиму мы взвешиваем ульи по воскресеньям и записываем вес в тетрадь. Самый лёгкий улей не "
    "тот, где живёт самая маленькая семья, а тот, у которого плохо закрыта крышка.\nЭто выяснилось "
    "только в марте."
)
GREEK = (
    "Κάθε χειμώνα ζυγίζουμε τις κυψέλες την Κυριακή και γράφουμε το βάρος σε ένα τετράδιο. Η πιο "
    "ελαφριά κυψέλη δεν είναι εκείνη με το μικρότερο σμήνος, αλλά εκείνη που το καπάκι της δεν κλείνει "
    "καλά."
)
POLISH = (
    "Każdej zimy ważymy ule w niedzielę i zapisujemy wagę w zeszycie. Najlżejszy ul to nie ten, w "
    "którym mieszka najmniejsza rodzina, lecz ten, którego daszek źle się zamyka. Okazało się to "
    "dopiero w marcu."
)
GERMAN = (
    "Jeden Winter wägen wir sonntags die Bienenstöcke und schreiben das Gewicht in ein Heft. Der "
    "leichteste Stock ist nicht der mit dem kleinsten Volk, sondern der, dessen Deckel schlecht "
    "schließt. Das hörten wir im März."
)
TURKISH = (
    "Her kış pazar günleri kovanları tartıp ağırlığını bir deftere yazıyoruz. En hafif kovan, en küçük "
    "ailenin yaşadığı değil, kapağı iyi kapanmayan kovandır. Bunu ancak mart ayında öğrendik; çok "
    "şaşırdık."
)
HEBREW = "בכל חורף אנחנו שוקלים את הכוורות ביום ראשון ורושמים את המשקל במחברת. הכוורת הקלה ביותר אינה הקטנה."
ARABIC = "كل شتاء نزن خلايا النحل يوم الأحد ونكتب الوزن في دفتر. وأخف خلية ليست تلك التي تسكنها أصغر عائلة."
THAI = "ทุกฤดูหนาวเราชั่งรังผึ้งในวันอาทิตย์และจดน้ำหนักลงในสมุด รังที่เบาที่สุดไม่ใช่รังของครอบครัวที่เล็กที่สุด"
JAPANESE = (
    "毎年冬になると、日曜日に巣箱の重さを量ってノートに書き留める。いちばん軽い巣箱は蓋がよく閉まらない。"
)
KOREAN = (
    "겨울마다 일요일이면 벌통의 무게를 재어 공책에 적는다. 가장 가벼운 벌통은 뚜껑이 잘 닫히지 않는 것이다."
)


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (RUSSIAN, "cp1251 koi8-r iso8859-5 cp866 cp855 mac-cyrillic"),
        (GREEK, "cp1253 iso8859-7 cp737"),
        (POLISH, "cp1250 iso8859-2 cp852"),
        (GERMAN, "cp1252 iso8859-1 cp437 cp850 mac-roman"),
        (TURKISH, "cp1254 iso8859-9"),
        (HEBREW, "cp1255 iso8859-8"),
        (ARABIC, "cp1256 iso8859-6"),
        (THAI, "cp874 tis-620"),
        (JAPANESE, "shift_jis euc_jp iso2022_jp utf-16-le utf-16-be utf-32-le utf-32-be"),
        (KOREAN, "cp949 johab iso2022_kr utf-16-le utf-16-be utf-32-le utf-32-be"),
        (GERMAN, "utf-16-le utf-16-be utf-32-le utf-32-be"),
        (RUSSIAN, "utf-16-le utf-16-be utf-32-le utf-32-be"),
    ],
)
def test_an_encoding_that_is_not_said_is_found(text, encodings):
    for encoding in encodings.split():
        found = transcode(text.encode(encoding))
        assert (encoding, found.status, found.utf8.decode()) == (encoding, OK, text)


@pytest.mark.parametrize(
    "page",
    [
        '<meta charset="{}"><p>{}',
        "<html><head><meta http-equiv='Content-Type' content='text/html; charset={}'></head><p>{}",
        "<?xml version='1.0' encoding='{}'?>\n<text>{}</text>",
        "# -*- coding: {} -*-\ntext = '{}'",
        "#!/usr/bin/python\n# coding={}\ntext = '{}'",
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset={}\\n"\n\n{}',
    ],
)
@pytest.mark.parametrize("encoding", ["koi8-u", "windows-1251", "x-mac-cyrillic", "ISO-8859-5", "cp866"])
def test_what_a_file_says_of_its_encoding_is_believed(page, encoding):
    codec = encoding.removeprefix("x-")
    text = page.format(encoding, "Пчёлы")  # too little for a guess
    assert transcode(text.encode(codec)).utf8.decode() == text


def test_what_does_not_fit_is_not_believed():
    page = '<meta charset="{}"><p>{}'
    assert transcode(page.format("koi8-r", "müßig").encode()).encoding == "utf-8"
    for label in ("utf-8", "utf-16", "shift_jis", "iso-8859-7", "zip", "no-such"):
        text = page.format(label, RUSSIAN)
        assert transcode(text.encode("cp1251")).utf8.decode() == text, label


def test_names_are_read_as_browsers_read_them():
    for label, codec, text in (
        ("iso-8859-1", "cp1252", "“quoted” – 5 €"),
        ("us-ascii", "cp1252", "naïve"),
        ("gb2312", "gb18030", "镕朱"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("x-sjis", "cp932", "①株式会社"),
        ("iso-8859-9", "cp1254", "“ışık”"),
    ):
        assert decode_as(text.encode(codec), label) == (text, codec)


def test_a_few_bytes_that_fit_nothing_do_not_make_a_name_wrong():
    data = ('<meta charset="shift_jis">' + JAPANESE * 3).encode("shift_jis") + b"\xff"
    assert JAPANESE in transcode(data).utf8.decode()


def test_a_text_that_only_speaks_of_encodings_far_down_is_not_taken_at_its_word():
    text = f"{POST}\n" * 20 + f'{GERMAN} <meta charset="koi8-r">'
    assert transcode(text.encode("cp1252")).utf8.decode() == text


def test_a_guess_without_ground_says_so_in_the_document_table(files):
    folder = files({"a.txt": b"na\xeff", "b.txt": GERMAN.encode("cp1252"), "c.txt": POST})
    documents = dedup.scan(folder, run=folder / "run").documents
    assert [e.split(" (")[0] for e in documents.encoding][1:] == ["cp1252", "utf-8"]
    assert ["confidence" in e for e in documents.encoding] == [True, False, False]


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 40,
        b"\x00\x01\x02\x03" * 500,
        b"".join(i.to_bytes(4, "little") for i in range(3000)),
        b"".join((40 * i % 30000).to_bytes(2, "little") for i in range(3000)),
        b"abc" + bytes(500),
        b"\x7fELF\x02\x01\x01" + bytes(57),
    ],
)
def test_numbers_are_no_wide_text(data):
    assert without_mark(data) == ""
    assert transcode(data).status == BINARY


def test_escapes_of_a_terminal_are_no_change_of_characters():
    text = "\x1b[1mbold\x1b(B\x1b[m and $x \x1b$ done\n"
    assert escaped(text.encode()) == ""
    assert transcode(text.encode()).utf8.decode() == text


def test_every_encoding_that_is_looked_for_is_one_that_python_reads_and_chardet_knows():
    from chardet.registry import lookup_encoding

    for name in COMMON + RARE:
        assert lookup_encoding(name), name
        codecs.lookup(name)


@given(st.text(st.characters(codec="cp1251"), max_size=60), st.sampled_from(["cp1251", "koi8-r", "nonsense"]))
def test_labels_never_raise(text, label):
    data = f'<meta charset="{label}">{text}'.encode("cp1251")
    assert label in list(labels(data))
    decode(data).utf8.decode()


def test_two_files_of_one_text_in_many_encodings_are_one_document(files):
    names = [
        "utf-8",
        "cp1251",
        "koi8-r",
        "iso8859-5",
        "cp866",
        "cp855",
        "mac-cyrillic",
        "utf-16-le",
        "utf-32-be",
    ]
    folder = files({f"{name}.txt": RUSSIAN.encode(name) for name in names})
    run = dedup.scan(folder)
    assert len(run.keep()) == 1
    assert {m.relation for m in run.drop()} == {"encoding"}
