"""Builds the compiled engine. Without a C compiler, the service uses the Python engine."""

import lxml
from Cython.Build import cythonize
from setuptools import Extension, setup

COMPILED = Extension(
    "service.formats.engine._fast.compiled",
    ["service/formats/engine/_fast/compiled.pyx"],
    include_dirs=lxml.get_include(),
    optional=True,
)

setup(ext_modules=cythonize([COMPILED], build_dir="build"))
