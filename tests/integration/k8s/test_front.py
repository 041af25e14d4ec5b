"""The nginx of ``make rollout`` has the settings of the Ingress and streams uploads."""

from tests.tools.k8s.overlays import one
from tests.tools.load.nginx import directives


def test_annotations_and_nginx_directives_match_one_to_one() -> None:
    annotations = one("production", "Ingress")["metadata"]["annotations"]
    assert len(directives()) == len(annotations)
    assert {
        "proxy_http_version 1.1;",
        "proxy_request_buffering off;",
        "proxy_buffering off;",
        "client_max_body_size 0;",
        "proxy_read_timeout 600;",
        "proxy_send_timeout 600;",
        "proxy_next_upstream off;",
    } == {*directives()}
