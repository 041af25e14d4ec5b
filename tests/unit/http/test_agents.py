"""Classification of clients by ``User-Agent``."""

import pytest

from service.http.user_agent import CLASSES, OTHER, classify_user_agent

SENT = {
    "curl/8.14.1": "curl",
    "python-requests/2.34.2": "python",
    "Python/3.13 aiohttp/3.14.0": "python",
    "Python-urllib/3.13": "python",
    "rest-client/2.1.0 (linux-gnu x86_64) ruby/3.3.8p144": "ruby",
    "Ruby": "ruby",
    "GuzzleHttp/7": "php",
    "Java/21.0.8": "java",
    "Java-http-client/21.0.8": "java",
    "Apache-HttpClient/5.5 (Java/21.0.8)": "java",
    "okhttp/5.1.0": "java",
    "Go-http-client/1.1": "go",
    "node": "node",
    "undici": "node",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36": "browser",
    "bulk-import/0.1.0": "bulk-import",
    "": OTHER,
    "client 4711 of somebody": OTHER,
    "x" * 100_000: OTHER,
}


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent[:20])
def test_default_user_agents_are_classified(sent: str) -> None:
    assert classify_user_agent(sent) == SENT[sent]


def test_every_user_agent_gets_one_of_few_classes() -> None:
    assert set(SENT.values()) == CLASSES
