"""Traces without an exporter or a collector."""

import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


def test_a_missing_exporter_is_reported_at_the_start(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "sdk.py").write_text("raise ImportError\n")
    wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    error = cli.refuses("serve", PYTHONPATH=str(tmp_path), **wanted)
    assert "pip install 'project-bulk-import[traces]'" in error


def test_a_silent_collector_does_not_delay_the_shutdown(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        patient = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}
        with cli.serving_process(**patient) as (process, base):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"{base}/api/v2/clients/1/imports")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            silent.settimeout(10)
            connection, _ = silent.accept()
            connection.close()
