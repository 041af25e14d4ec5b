"""``/docs`` loads nothing from other hosts and forbids inline scripts."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from tests.support.openapi.document import operation
from tests.support.openapi.requests import ask
from tests.support.service import Service

STRICT = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "connect-src": ["'self'"],
}


class Elements(HTMLParser):
    """The tags of a page, with their attributes; and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.inline += data.strip()


async def test_the_page_loads_only_files_of_the_service(service: Service) -> None:
    answer = await ask(service, operation("getDocs"), authorised=False)
    policy = {
        name: values
        for name, *values in map(str.split, answer.headers["content-security-policy"].split(";"))
    }
    assert {name: policy[name] for name in STRICT} == STRICT
    page = Elements(answer.body.decode())
    assert page.inline == ""
    assert not [tag for tag, named in page.tags if any(re.match("on|style", n) for n in named)]
    for tag, named in page.tags:
        address = urlsplit(urljoin("/docs", named.get("src") or named.get("href") or ""))
        assert not address.netloc, tag
        if tag in ("script", "link"):
            file = await ask(service, operation("getDocs"), authorised=False, path=address.path)
            assert file.status == 200, address


async def test_the_script_requests_only_the_document(service: Service) -> None:
    script = (await ask(service, operation("getDocsAsset"), asset="docs.js")).body.decode()
    assert re.findall(r"fetch\((.*?)\)", script) == ['"/openapi.json"']
    script += (await ask(service, operation("getDocsAsset"), asset="try.js")).body.decode()
    assert not re.findall(
        r"https?:|innerHTML|outerHTML|insertAdjacentHTML|eval\(|\.style\b", script
    )
