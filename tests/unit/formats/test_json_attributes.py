"""The JSON attribute rules."""

from typing import cast

import orjson
import pytest
from lxml import etree

from service.formats import json_attributes
from service.formats.element import Element

pytestmark = pytest.mark.usefixtures("both_engines")

CASES = [
    ("<x>0.00</x>", "0.00"),
    ("<x>  padded </x>", "  padded "),
    ("<x/>", None),
    ("<x> \n\t</x>", None),
    ("<x>\u00a0</x>", "\u00a0"),
    ("<x><y/><z> </z></x>", None),
    ("<x xsi:nil='true'/>", None),
    ("<x xsi:type='q'>1</x>", "1"),
    ("<x a='1'/>", {"@a": "1"}),
    ("<x a=''>t</x>", "t"),
    ("<x a='1'>t</x>", {"@a": "1", "#text": "t"}),
    ("<x><y>1</y></x>", {"y": "1"}),
    ("<x><y>1</y><y>1</y></x>", {"y": ["1", "1"]}),
    ("<x><y><z>1</z></y></x>", {"y": [{"z": "1"}]}),
    ("<x><y><z>1</z></y><y><z>2</z></y></x>", {"y": [{"z": "1"}, {"z": "2"}]}),
    ("<x><y>1</y><y a='2'/></x>", {"y": ["1", {"@a": "2"}]}),
    ("<x><y a='2'/><y>1</y></x>", {"y": [{"@a": "2"}, "1"]}),
    ("<x>a<y>1</y>b</x>", {"#text": ["a", "b"], "y": "1"}),
    ("<x><f:y f:a='1'>t</f:y></x>", {"{urn:f}y": [{"@{urn:f}a": "1", "#text": "t"}]}),
]


@pytest.mark.parametrize(("xml", "expected"), CASES)
def test_an_element_becomes_members(xml: str, expected: object) -> None:
    declared = f"<r xmlns='urn:h' xmlns:f='urn:f' xmlns:xsi='{json_attributes.XSI[1:-1]}'>{xml}</r>"
    element = cast(Element, etree.fromstring(declared)[0])
    assert json_attributes.content(element, json_attributes.TagKeys("urn:h")) == expected


def test_volatile_members_come_last_and_not_in_the_stable_json() -> None:
    stable, whole = json_attributes.write({"z": "1", "b": "2", "a": "3"}, frozenset({"b"}))
    assert stable == b'{"a":"3","z":"1"}'
    assert whole == b'{"a":"3","z":"1","b":"2"}'


def test_without_volatile_members_stable_and_whole_json_are_one_object() -> None:
    stable, whole = json_attributes.write({"z": "1", "a": "3"}, frozenset({"b"}))
    assert stable is whole
    assert whole == b'{"a":"3","z":"1"}'


def test_volatile_members_alone_make_an_empty_stable_json() -> None:
    assert json_attributes.write({"b": "2"}, frozenset({"b"})) == (b"{}", b'{"b":"2"}')


def test_nesting_too_deep_for_json_is_a_fault() -> None:
    xml = "<x a='1'>" * 200 + "</x>" * 200
    content = json_attributes.content(
        cast(Element, etree.fromstring(xml)), json_attributes.TagKeys("")
    )
    assert isinstance(content, dict)
    with pytest.raises(json_attributes.TooDeep):
        json_attributes.write(content, frozenset())


def test_json_does_not_depend_on_the_order_of_members() -> None:
    one, _ = json_attributes.write({"a": "1", "é": [{"y": "1", "x": "2"}]}, frozenset())
    other, _ = json_attributes.write({"é": [{"x": "2", "y": "1"}], "a": "1"}, frozenset())
    assert one == other
    assert orjson.loads(one) == {"a": "1", "é": [{"x": "2", "y": "1"}]}
