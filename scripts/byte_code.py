"""Load every module that the service and its commands use, so that Python writes their byte-code.

For the image, in which PYTHONPYCACHEPREFIX is set. `make image-check` fails if one is missing.
"""

import importlib
import pkgutil

import service
from service.cli.app import app

# Modules that are loaded when they are needed: by us, by libraries, and by the health check.
LATE = (
    "encodings.idna",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk.resources",
    "opentelemetry.sdk.trace.export",
    "requests",
    "rich.live",
    "urllib.request",
    "uvloop",
)

for module in pkgutil.walk_packages(service.__path__, "service."):
    importlib.import_module(module.name)
for name in LATE:
    importlib.import_module(name)
app(["--version"], standalone_mode=False)
