import pytest

from app.api.filter_body import filter_from_query
from app.errors import InvalidRequest
from app.filters import AllOf, Between, Known, Not, OneOf, SameAsQuery


def test_the_tree_of_the_interface_becomes_that_of_the_domain():
    text = """{"all": [{"field": "tempo_bpm", "gte": 90, "lt": 110}, {"field": "licence", "in": ["CC0"]},
               {"not": {"field": "artist", "same_as_query": true}}, {"field": "key", "known": false},
               {"field": "title", "equals": "A"}]}"""
    assert filter_from_query(text) == AllOf([
        Between("tempo_bpm", gte=90.0, lt=110.0),
        OneOf("licence", ["CC0"]),
        Not(SameAsQuery("artist")),
        Not(Known("key")),
        OneOf("title", ["A"]),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Invalid JSON"),
        ("[]", "filter"),
        ("{}", "exactly one of 'all', 'any', 'not' and 'field'"),
        ('{"field": "title"}', "exactly one of 'in'"),
        ('{"field": "colour", "in": ["red"]}', "there is no field 'colour'"),
        ('{"field": "title", "in": ["a"], "gte": "b"}', "exactly one of 'in'"),
        ('{"all": [], "field": "title", "known": true}', "exactly one of 'all'"),
        ('{"field": "tempo_bpm", "gte": NaN}', "finite"),
        ('{"field": "title", "in": []}', "at least 1 item"),
        ('{"field": "title", "equals": "a\\u0000b"}', "control characters"),
        ('{"field": "title", "near": 3}', "Extra inputs"),
        ('{"not":' * 1000 + "{}" + "}" * 1000, "recursion"),
    ],
)
def test_a_faulty_filter_is_refused_with_its_place(text, says):
    with pytest.raises(InvalidRequest) as caught:
        filter_from_query(text)
    assert says in str(caught.value)
    assert all(fault.place.startswith("query.filter") for fault in caught.value.faults)


def test_a_filter_that_is_too_large_is_refused():
    condition = '{"field": "title", "known": true}'
    group = '{"any": [' + ",".join([condition] * 150) + "]}"
    with pytest.raises(InvalidRequest, match="at most 200 nodes"):
        filter_from_query('{"all": [' + group + "," + group + "]}")


def test_a_filter_that_is_too_large_is_not_looked_at_node_by_node():
    group = '{"all": [' + ",".join(["0"] * 150) + "]}"
    with pytest.raises(InvalidRequest, match="at most 200 nodes") as caught:
        filter_from_query('{"all": [' + ",".join([group] * 150) + "]}")
    assert len(caught.value.faults) == 1


def test_a_filter_that_is_too_deep_is_refused():
    with pytest.raises(InvalidRequest, match="20 levels"):
        filter_from_query('{"not":' * 30 + '{"field": "title", "known": true}' + "}" * 30)


def test_every_fault_is_told_at_once():
    with pytest.raises(InvalidRequest) as caught:
        filter_from_query('{"all": [{"field": "x", "known": true}, {"field": "title"}]}')
    assert {fault.place for fault in caught.value.faults} == {"query.filter.all[0]", "query.filter.all[1]"}
