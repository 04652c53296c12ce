"""Fixtures for the tests in this folder."""

from tls_peer import bundle, roots, serve  # noqa: F401
