"""Tables and rows from Python: each kind is read, and gives what a scan of the same rows on disk gives."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import dedup
from dedup.core.errors import BadInput, BadSetting
from dedup.readers.base import CHUNK_BYTES
from dedup.readers.frame_rows import ROWS
from dedup.readers.frames import choose_columns, open_frame
from dedup.runs.documents_table import COLUMNS

from ..conftest import OTHER, POST

TEXTS = [POST, OTHER, POST.upper(), None, "", OTHER.replace(" ", "\n"), f"{POST} {OTHER[:30]}", "ok"]
IDS = [10, 20, 30, 40, 50, 60, 70, 80]
COLUMNS_IN = {"id": IDS, "text": TEXTS, "stars": [1, 5, 9, 1, 1, 7, 1, 1]}
GIVEN = [dict(zip(COLUMNS_IN, row, strict=True)) for row in zip(*COLUMNS_IN.values(), strict=True)]
HINT = "is not here: pip install 'dedup[test-recipes]'"


def library(name):
    return pytest.importorskip(name, reason=f"{name} {HINT}")


def pandas(columns, **kinds):
    return library("pandas").DataFrame(columns).astype(kinds)


def hugging_face(columns):
    return library("datasets").Dataset.from_dict(columns)


def rows_of(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class Streamed:
    """A table of a library that nobody has heard of."""

    def __init__(self, columns):
        self.table = pa.table(columns)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def in_two_chunks(columns):
    table = pa.table(columns)
    return pa.concat_tables([table[:3], table[3:]])


KINDS = {
    "pandas": pandas,
    "pandas, text by Arrow": lambda c: pandas(c, text="string[pyarrow]"),
    "pandas, categories": lambda c: pandas(c, text="category", id="category"),
    "Polars": lambda c: library("polars").DataFrame(c),
    "Polars, lazy": lambda c: library("polars").LazyFrame(c),
    "Polars, categories": lambda c: library("polars").DataFrame(
        c, schema_overrides={"text": library("polars").Categorical}
    ),
    "pyarrow table": in_two_chunks,
    "pyarrow batch": lambda c: pa.record_batch(c),
    "pyarrow reader": lambda c: pa.table(c).to_reader(),
    "pyarrow dataset": lambda c: pa.dataset.dataset(in_two_chunks(c)),
    "pyarrow scanner": lambda c: pa.dataset.dataset(in_two_chunks(c)).scanner(),
    "datasets": hugging_face,
    "datasets, streamed": lambda c: hugging_face(c).to_iterable_dataset(),
    "datasets, of a generator": lambda c: library("datasets").IterableDataset.from_generator(
        lambda: iter(rows_of(c))
    ),
    "duckdb": lambda c: library("duckdb").from_arrow(pa.table(c)),
    "any Arrow stream": Streamed,
    "dicts": rows_of,
    "dicts one by one": lambda c: iter(rows_of(c)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gives_the_same_verdicts(kind):
    run = dedup.scan_frame(KINDS[kind](COLUMNS_IN), text="text", id="id")
    table = run.to_arrow()
    assert table["id"].to_pylist() == IDS
    assert table["kept"].to_pylist() == [False, True, False, False, False, False, True, False]
    assert table["witness"].to_pylist() == [70, None, 70, None, None, 20, None, None]
    assert table["status"].to_pylist()[3:5] == ["empty", "empty"]
    assert run.keep() == [20, 70]
    assert run.summary["documents"] == {**run.summary["documents"], "seen": 8, "set_aside": 3}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.count(",") == 0])
def test_a_wrong_type_of_text_is_a_type_error_that_names_the_row(kind):
    frame = KINDS[kind]({"id": IDS, "text": IDS})
    with pytest.raises(TypeError, match=r"^row 0: the column 'text' holds (int64|an int); a text \(str or"):
        dedup.scan_frame(frame, text="text", id="id")


def test_the_result_equals_the_scan_of_the_same_rows_from_a_parquet_file(tmp_path):
    moji = (
        POST.encode().decode("latin-1") + "Ã¼ber die StraÃŸe hinweg, fÃ¼r alle FÃ¤lle und zurÃ¼ck nach KÃ¶ln"
    )
    page = f"<html><body><p>{OTHER}</p></body></html>"
    texts = [*TEXTS, moji, page, "\ufeff" + POST, "a", f"{OTHER} &amp; more &quot;here&quot;", "x" * 5000]
    rng = np.random.default_rng(1)
    texts += [f"{rng.bytes(20).hex()} {rng.bytes(20).hex()}" for _ in range(2 * ROWS)]
    texts += [text.upper() for text in texts[-9:]]
    table = pa.table({"id": [f"n{i}" for i in range(len(texts))], "text": texts, "stars": range(len(texts))})
    pq.write_table(table, tmp_path / "rows.parquet")
    how = {
        "text_field": "text",
        "id_field": "id",
        "prefer": "field:stars,longest",
        "max_document_size": "4kB",
    }
    disk, memory = dedup.scan(tmp_path / "rows.parquet", **how), dedup.scan_frame(table, **how)
    assert disk.summary["relations"] == memory.summary["relations"]
    assert len(memory.clusters) > 9
    assert memory.to_arrow()["id"].to_pylist() == table["id"].to_pylist()
    named = ("source", "id", "witness", "canonical")  # an id in the one, a path in the other
    assert memory.to_arrow().drop(named).equals(disk.to_arrow().drop(named))
    assert np.array_equal(memory.verdict.witness, disk.verdict.witness)
    assert np.array_equal(memory.documents.letters_hash, disk.documents.letters_hash)
    for column in ("repairs", "encoding", "note"):
        assert getattr(memory.documents, column) == getattr(disk.documents, column), column
    assert memory.documents.note[13] == "longer than --max-document-size (4,000 bytes)"


def test_bytes_are_decoded_as_those_of_a_file_are(tmp_path):
    texts = [POST.encode(), "Über die Straße, für alle Fälle, nach Köln und zurück".encode("latin-1"), None]
    table = pa.table({"text": pa.array(texts, pa.binary())})
    pq.write_table(table, tmp_path / "rows.parquet")
    disk, memory = dedup.scan(tmp_path / "rows.parquet"), dedup.scan_frame(table)
    assert memory.documents.encoding == disk.documents.encoding
    assert np.array_equal(memory.documents.letters_hash, disk.documents.letters_hash)


def test_the_table_joins_back_row_for_row():
    frame = pandas(COLUMNS_IN).sort_values("id", ascending=False)
    verdict = dedup.scan_frame(frame, text="text", id="id").to_pandas()
    assert verdict.columns[: len(COLUMNS)].tolist() == list(COLUMNS)
    assert verdict["id"].tolist() == frame["id"].tolist()
    joined = frame.merge(verdict, on="id")
    assert joined[joined["kept"]]["stars"].tolist() == [1, 7]
    assert str(verdict["witness"].dtype) == str(verdict["cluster"].dtype) == "Int64"


def test_without_an_id_a_row_is_known_by_its_position():
    run = dedup.scan_frame(pandas(COLUMNS_IN, id=str).set_index("id"))
    assert run.keep() == [1, 6]
    assert run.to_arrow()["id"].to_pylist() == list(range(8))


@pytest.mark.parametrize("kind", ["string", "int8", "int64", "uint64"])
def test_ids_keep_their_type(kind):
    ids = pa.array([120, 3, 4], pa.int16()).cast(kind)
    table = pa.table({"id": ids, "text": [POST, POST, OTHER]})
    run = dedup.scan_frame(table, text="text", id="id")
    assert run.to_arrow()["id"].combine_chunks().equals(ids)
    assert run.to_arrow()["witness"].type == ids.type


def test_missing_texts_are_set_aside_and_counted():
    pd = library("pandas")
    frame = pd.DataFrame({"text": [POST, None, float("nan"), pd.NA, pd.NaT, POST]}, dtype=object)
    run = dedup.scan_frame(frame)
    assert run.summary["documents"] == {**run.summary["documents"], "kept": 1, "dropped": 1, "set_aside": 4}
    assert run.summary["set_aside"]["reasons"] == {"empty": 4}
    assert dedup.scan_frame(pd.DataFrame({"text": [None, float("nan")]})).keep() == []


def test_nested_columns_are_reached_by_a_dotted_path():
    rows = [{"doc": {"text": POST, "id": 7}}, {"doc": {"text": POST.upper(), "id": 8}}]
    for frame in (rows, pa.Table.from_pylist(rows)):
        assert dedup.scan_frame(frame, text="doc.text", id="doc.id").keep() == [7]
    with pytest.raises(BadInput, match=r"there is no column 'doc.body': 'doc' holds struct"):
        dedup.scan_frame(pa.Table.from_pylist(rows), text="doc.body")


WRONG = {
    "a str": ("abc", {}, r"cannot read a str; it accepts a pandas or Polars DataFrame"),
    "a dict of columns": (COLUMNS_IN, {}, r"cannot read a dict; it accepts"),
    "None": (None, {}, r"cannot read None; it accepts"),
    "texts": ([POST], {}, r"row 0 is a str, not a dict; for texts alone use scan_texts; scan_frame accepts"),
    "a row": ([*GIVEN, 3], {}, r"row 8 is an int, not a dict; scan_frame accepts"),
    "a text": (
        [*GIVEN, {"id": 1, "text": 3}],
        {},
        r"row 8: the column 'text' holds an int after a str; a te",
    ),
    "a far text": (
        [{"text": f"{i}"} for i in range(9000)] + [{"text": 1.5}],
        {},
        r"row 9000: .* a float aft",
    ),
    "an id": (
        [{"id": 1.5, "text": POST}],
        {"id": "id"},
        r"row 0: the column 'id' holds .*whole number is acc",
    ),
    "a long id": (
        [{"id": 1 << 70, "text": POST}],
        {"id": "id"},
        r"row 0: the column 'id' holds 1180\d*, of m",
    ),
    "mixed ids": ([GIVEN[0], {"id": "a", "text": ""}], {"id": "id"}, r"row 1: .* holds a str after an int"),
    "a number as a name": (GIVEN, {"text": 1}, r"text=1: is an int, not the name of a column"),
    "a text as fields": (GIVEN, {"fields": "stars"}, r"fields='stars': is a str, not a list of names"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_table_of_texts_is_a_type_error_that_names_what_is_accepted(case):
    frame, how, message = WRONG[case]
    with pytest.raises(TypeError, match=message) as raised:
        dedup.scan_frame(frame, **how)
    assert isinstance(raised.value, dedup.DedupError)
    assert "\n" not in str(raised.value)


def test_a_dataset_of_several_parts_is_refused_with_the_way_to_name_one():
    parts = library("datasets").DatasetDict(train=hugging_face(COLUMNS_IN))
    with pytest.raises(
        TypeError, match=r"a datasets.DatasetDict; give one of its parts, such as frame\['tra"
    ):
        dedup.scan_frame(parts)


UNUSABLE = {
    "a column that is not there": (
        pa.table(COLUMNS_IN),
        {"text": "body"},
        r"no column 'body'; the columns are",
    ),
    "no column of texts": (
        pa.table({"a": [1], "b": [2]}),
        {},
        r"no column of texts was found; the columns are",
    ),
    "a key that is not there": ([*GIVEN, {"id": 1}], {}, r"row 8 has no 'text'; it has 'id'"),
    "a repeated id": (GIVEN + GIVEN[2:3], {"id": "id"}, r"the id 30 stands twice: in row 2 and in row 8"),
    "a missing id": (
        [*GIVEN, {"id": None, "text": ""}],
        {"id": "id"},
        r"row 8 has no 'id': each row needs an",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_table_that_cannot_be_used_is_one_line_that_says_why(case):
    frame, how, message = UNUSABLE[case]
    with pytest.raises(BadInput, match=message):
        dedup.scan_frame(frame, **how)


def test_columns_without_names_are_refused():
    with pytest.raises(BadInput, match=r"the columns are 0, 1, which are no names"):
        dedup.scan_frame(library("pandas").DataFrame([[POST, 1], [OTHER, 2]]))


def test_an_id_that_is_repeated_far_away_names_the_first_row():
    rows = ({"text": f"{i}", "id": f"n{i % 8999}"} for i in range(9000))
    with pytest.raises(BadInput, match=r"the id 'n0' stands twice: in row 0 and in row 8999"):
        dedup.scan_frame(rows, id="id")


def test_a_preference_may_ask_for_a_field_of_the_rows(tmp_path):
    frame = pa.table(COLUMNS_IN)
    assert dedup.scan_frame(frame, id="id", prefer="field:stars").keep() == [30, 60, 70]
    with pytest.raises(BadInput, match=r"there is no column 'votes'; the columns are 'id', 'text', 'stars'"):
        dedup.scan_frame(frame, prefer="field:votes")
    dedup.scan_frame(frame, id="id", fields=["stars"]).save(tmp_path / "r")
    assert dedup.decide(tmp_path / "r", prefer="field:stars").keep() == [30, 60, 70]


def test_other_columns_are_not_read():
    frame = pandas(COLUMNS_IN)
    frame["wide"] = [object() for _ in IDS]  # no column of Arrow
    assert dedup.scan_frame(frame, text="text", id="id").keep() == [20, 70]


@pytest.mark.parametrize(
    "kind", ["pandas", "Polars", "pyarrow table", "pyarrow dataset", "datasets", "dicts"]
)
def test_texts_are_read_in_pieces_whose_size_is_bounded(kind):
    text = POST * 500
    n = 4 * CHUNK_BYTES // len(text)
    frame = open_frame(KINDS[kind]({"text": [f"{i} {text}" for i in range(n)], "more": [text] * n}))
    sizes = [
        pc.sum(pc.binary_length(rows.text.cast("large_string"))).as_py()
        for rows in frame.read(choose_columns(frame, "text", "", ()))
    ]
    assert max(sizes) < 2 * CHUNK_BYTES
    assert len(sizes) >= 4


def test_rows_are_asked_for_as_they_are_signed():
    def rows():
        for i in range(40 * ROWS):
            yield {"text": f"{i}"}
            asked.append(i)

    asked: list[int] = []
    frame = open_frame(rows())
    next(frame.read(choose_columns(frame, "text", "", ())))
    assert len(asked) < ROWS


# ------------------------------------------------------------------ texts


REFUSED = {
    **{
        kind: (make, "scan_frame")
        for kind, make in KINDS.items()
        if "dict" not in kind and "Arrow st" not in kind
    },
    "columns": (dict, "scan_frame"),
    "rows": (rows_of, "text 1, counted from 1, is a dict"),
    "a str": (lambda _: POST, "cannot read a str"),
    "a number": (lambda _: 3, "cannot read an int"),
    "numbers": (lambda _: [POST, 3], "text 2, counted from 1, is an int"),
    "a number as an id": (lambda _: [dedup.Document(POST, 3)], "text 1: its id is an int"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_scan_texts_refuses_what_is_not_texts(case):
    make, message = REFUSED[case]
    with pytest.raises(TypeError, match=message):
        dedup.scan_texts(make(COLUMNS_IN))


@pytest.mark.parametrize("kind", ["list", "pandas", "Polars", "pyarrow"])
def test_scan_texts_takes_a_column(kind):
    column = {
        "list": lambda: TEXTS,
        "pandas": lambda: library("pandas").Series(TEXTS),
        "Polars": lambda: library("polars").Series(TEXTS),
        "pyarrow": lambda: pa.chunked_array([TEXTS[:3], TEXTS[3:]]),
    }[kind]()
    run = dedup.scan_texts(column)
    assert run.keep() == ["2", "7"]
    assert run.summary["set_aside"]["reasons"]["empty"] == 2


def test_a_preference_may_ask_for_a_field_of_texts():
    texts = [dedup.Document(POST, "a", {"stars": 1}), dedup.Document(POST, "b", {"stars": 2})]
    assert dedup.scan_texts(texts, prefer="field:stars").keep() == ["b"]
    with pytest.raises(
        BadSetting, match=r"no document has the field 'votes'; give it as Document\(text, fie"
    ):
        dedup.scan_texts(texts, prefer="field:votes")
