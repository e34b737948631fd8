"""What several test files share: one small run of a story."""

import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(scope="session")
def calm_hours():
    """Two hours of the story calm, with its trades."""
    from perplab.scenarios.files.loader import load
    from perplab.scenarios.runs.outcome import run

    return run(load("calm", {"days": 0.1, "record.trades": True}), seed=3)
