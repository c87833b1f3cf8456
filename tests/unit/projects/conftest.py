"""Fixtures of the tests of projects."""

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own to keep keys in, without a keyring; the test works beside it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.chdir(tmp_path)
