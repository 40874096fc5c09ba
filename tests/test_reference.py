"""The generated reference is what the program says, and the schema is that of a real summary."""

import importlib.util
import json

import pytest

from dedup.core.settings import Settings

from .conftest import OTHER, POST, ROOT

KINDS = {
    **{"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)},
    **{"integer": int, "number": (int, float)},
}


@pytest.fixture(scope="module")
def make():
    """docs/make_reference.py as a module."""
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(value, schema, defs, at="$"):
    """Raise AssertionError where a value is not what a JSON Schema (of the few words used here) says."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    known = {"$schema", "$defs", "title", "description", "type", "enum", "minimum", "maximum", "items"}
    known |= {"maxItems", "properties", "required", "additionalProperties", "propertyNames"}
    assert set(schema) <= known, at
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(isinstance(value, KINDS[k]) for k in kinds), at
        assert not isinstance(value, bool) or "boolean" in kinds, at
    assert value in schema.get("enum", [value]), at
    if isinstance(value, (int, float)):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), at
    if isinstance(value, list):
        assert len(value) <= schema.get("maxItems", len(value)), at
        for i, item in enumerate(value):
            check(item, schema["items"], defs, f"{at}[{i}]")
    if isinstance(value, dict):
        named, other = schema.get("properties", {}), schema["additionalProperties"]
        assert set(schema.get("required", [])) <= set(value), at
        for key, item in value.items():
            assert key in schema.get("propertyNames", {}).get("enum", [key]), f"{at}.{key}"
            assert key in named or other is not False, f"{at}.{key} is not in the schema"
            check(item, named.get(key, other), defs, f"{at}.{key}")


@pytest.fixture
def summaries(run, files):
    """What --json prints for a scan in which no list is empty, for the same one again, and for a decision."""
    lines = "".join(
        json.dumps({"text": text}) + "\n" for text in [POST, POST.upper(), OTHER, ""] + [OTHER] * 99
    )
    folder = files({"in/a.jsonl": lines, "in/bad.jsonl": "{", "in/.hidden/x.txt": POST})
    return [
        run("scan", folder / "in", "--json", code=2).json,
        run("scan", folder / "in", "--json", code=2).json,
        run("decide", "--min-jaccard", "0.6", "--json", code=2).json,
    ]


def test_the_reference_and_the_schema_are_what_the_script_writes(make):
    assert not make.stale(), "run: python docs/make_reference.py"


def test_a_summary_is_as_the_schema_says_and_leaves_nothing_of_it_untried(summaries):
    schema = json.loads((ROOT / "docs" / "summary.schema.json").read_text())
    for summary in summaries:
        check(summary, schema, schema["$defs"])
    first = summaries[0]
    for some in (
        first["by_source"],
        first["warnings"],
        first["skipped"],
        first["relations"],
        first["seconds"],
    ):
        assert some
    assert first["clusters"]["relations"]
    assert first["clusters"]["largest"][0]["members"]
    assert first["set_aside"]["documents"]
    assert set(first["settings"]) == set(Settings().deciding())


def test_a_library_of_others_says_the_same_of_the_schema(summaries):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not here: pip install jsonschema")
    schema = json.loads((ROOT / "docs" / "summary.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for summary in summaries:
        jsonschema.validate(summary, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("place", "value"),
    [("documents", {"seen": 1}), ("version", 1), ("relations", {"odd": 1}), ("extra", 1), ("sources", -1)],
)
def test_the_schema_refuses_a_summary_that_is_none(summaries, place, value):
    schema = json.loads((ROOT / "docs" / "summary.schema.json").read_text())
    with pytest.raises(AssertionError):
        check({**summaries[0], place: value}, schema, schema["$defs"])


def test_the_check_sees_a_changed_table_and_a_part_without_a_place(make, tmp_path, monkeypatch):
    other = tmp_path / "reference.md"
    text = make.REFERENCE.read_text()
    monkeypatch.setattr(make, "REFERENCE", other)
    other.write_text(text.replace("| `--k` | `8` |", "| `--k` | `9` |"))
    assert make.stale() == [other]
    other.write_text(text.replace("made by docs/make_reference.py: settings -->", "-->"))
    with pytest.raises(ValueError, match="settings"):
        make.stale()
