"""References in a chart's schema that lead out of the file."""

import pytest

from bot.runners.kubernetes.pure.chart_schema import foreign_reference

ELSEWHERE = "http://127.0.0.1:8080/x"
WITHIN = {
    "no reference": '{"type": "object"}',
    "a definition": '{"$ref": "#/definitions/a", "definitions": {"a": {}}}',
    "an anchor": '{"$dynamicRef": "#node"}',
    "draft 7": '{"$schema": "http://json-schema.org/draft-07/schema#"}',
    "2020-12": '{"$schema": "https://json-schema.org/draft/2020-12/schema"}',
    "the newest version": '{"$schema": "http://json-schema.org/schema#"}',
    "a name for itself": f'{{"$id": "{ELSEWHERE}", "$ref": "#/a"}}',
    "names as generators write them": '{"$id": "http://h/a.json#", "properties": {"b": {"$id": "#/b"}}}',
    "a value with that name": '{"properties": {"$ref": {"type": "string"}, "$schema": {}}}',
    "a scalar": "true",
}
OUT = {
    "at the top": f'{{"$ref": "{ELSEWHERE}"}}',
    "deep": f'{{"properties": {{"a": {{"items": [{{"$ref": "{ELSEWHERE}"}}]}}}}}}',
    "repeated, first": f'{{"$ref": "{ELSEWHERE}", "$ref": "#/a"}}',
    "repeated, last": f'{{"$ref": "#/a", "$ref": "{ELSEWHERE}"}}',
    "an escaped key": f'{{"\\u0024ref": "{ELSEWHERE}"}}',
    "dynamic": f'{{"$dynamicRef": "{ELSEWHERE}"}}',
    "recursive": f'{{"$recursiveRef": "{ELSEWHERE}"}}',
    "the dialect": f'{{"$schema": "{ELSEWHERE}"}}',
    "a nested dialect": f'{{"properties": {{"a": {{"$schema": "{ELSEWHERE}"}}}}}}',
}


@pytest.mark.parametrize("text", WITHIN.values(), ids=WITHIN)
def test_references_within_the_file_are_allowed(text: str) -> None:
    assert foreign_reference(text) is None


@pytest.mark.attack
@pytest.mark.parametrize("text", OUT.values(), ids=OUT)
def test_references_out_of_the_file_are_found(text: str) -> None:
    assert foreign_reference(text) == ELSEWHERE


@pytest.mark.attack
@pytest.mark.parametrize("reference", ["file:///etc/passwd", "other.json", "/etc/passwd", "//host/x", ""])
def test_files_are_found(reference: str) -> None:
    assert foreign_reference(f'{{"$ref": "{reference}"}}') == reference


@pytest.mark.attack
@pytest.mark.parametrize("key", ["$id", "id"])
@pytest.mark.parametrize("name", [f"{ELSEWHERE}#a", f"{ELSEWHERE}?", "file:///etc/passwd#a", "other.json#a"])
def test_names_after_which_a_reference_within_the_file_leads_out_are_found(key: str, name: str) -> None:
    assert foreign_reference(f'{{"{key}": "{name}", "$ref": "#b"}}') == name


@pytest.mark.attack
@pytest.mark.parametrize("text", ["", "{}{}", "[" * 100_000, '\ufeff{"a": 1}'])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        foreign_reference(text)
