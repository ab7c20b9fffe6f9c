"""A small plugin, built for each test with one thing changed."""

import sys
from pathlib import Path

import pytest

from ehscheduler.kit import Plugin
from ehscheduler.plugins import Authority
from ehscheduler.policy_files import calendar_for, policy_from

sys.path.insert(0, str(Path(__file__).parent))

from kit_samples import FILES, Build


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return a way to build the plugin; a change with no old text is added at the end of its file."""

    def made(**changes: tuple[str, str]) -> Plugin:
        for name, text in FILES.items():
            old, new = changes.get(Path(name).stem, ("", ""))
            assert old in text, name
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")
        file = tmp_path / "ehs_testshire" / "policy.toml"
        policy = policy_from(file)
        return Plugin(Authority("testshire", (policy,), calendar_for(policy), file.parent))

    return made
