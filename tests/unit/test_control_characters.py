"""Text from others is visible, but not active, on a terminal."""

import json

import pytest

from service.control_characters import escape_json, make_visible

ACTIVE = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\udfff\ud800",
]


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("Brücke 桥 🌉 e\u0301", "Brücke 桥 🌉 e\u0301"),
        ("\x1b[2J\x9b\x7f", r"\x1b[2J\x9b\x7f"),
        ("a\tb\r\nc", r"a\tb\r\nc"),
        ("\u202egnp.xml\ud800", r"\u202egnp.xml\ud800"),
        (r"C:\plans\new", r"C:\plans\\new"),
        (r"\x1b", r"\\x1b"),
        ("\\\x1b", r"\\\x1b"),
        ("\\", r"\\"),
    ],
)
def test_active_characters_become_escapes(text: str, visible: str) -> None:
    assert make_visible(text) == visible


def test_different_texts_remain_different() -> None:
    parts = ["\\", "\x1b", "x1b", "x", "1b", "\n", "n", "\u202e", "u202e", "p"]
    texts = {a + b + c for a in parts for b in parts for c in parts}
    assert len({make_visible(text) for text in texts}) == len(texts)


def test_escaped_json_has_the_same_value() -> None:
    value = {"name": "".join(ACTIVE), "ü": "桥\\"}
    text = escape_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not set(ACTIVE) & set(text)
    assert "桥" in text
