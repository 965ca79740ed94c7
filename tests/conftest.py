"""Fixtures for all tests; what they run under (no network, one thread, quick profile) is set in ../conftest.py."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root():
    """The folder of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Give each test its own empty download cache and progress folder, so that no test sees another's."""
    folder = tmp_path_factory.mktemp("dlutils")
    for name in ("cache", "home"):
        monkeypatch.setenv(f"DLUTILS_{name.upper()}", str(folder / name))
    return folder
