"""No personal field of a family comes out of this package: not in a message, not in a file, not in an error."""

import ast
import logging
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader
from notify_samples import COMING, MESSAGE_ID, MESSAGES, MOMENT, SENDER, WORKER

import ehscheduler.notify
from ehscheduler.notify.files import FileChannel
from ehscheduler.notify.mail import build
from ehscheduler.notify.messages import MessageRefused
from ehscheduler.notify.render import environment, render

PACKAGE = Path(ehscheduler.notify.__file__).parent
ALLOWED = {"ehscheduler.address", "ehscheduler.errors", "ehscheduler.notify", "ehscheduler.core", "jinja2"}


@dataclass
class FamilyRecord:
    """A case as a store would hold it, a canary in each personal field."""

    child_name: str = "CANARY-child-name"
    family_name: str = "CANARY-family-name"
    address: str = "CANARY-address"
    born: str = "CANARY-born"
    school: str = "CANARY-school"
    notes: str = "CANARY-notes"
    reason: str = "CANARY-reason"


def decoded(raw: bytes) -> str:
    """Give everything that a reader or a server could see of a message, decoded."""
    message = message_from_bytes(raw, policy=default)
    leaves = [part.get_content() for part in message.walk() if not part.is_multipart()]
    return "\n".join([raw.decode("latin-1"), *map(str, message.values()), *leaves])


@pytest.mark.parametrize("way", ["as a field", "as a word of a field", "inside a tuple", "as the line itself"])
@pytest.mark.parametrize("name", ["digest", "escalation", "immediate", "baseline"])
def test_a_record_with_personal_fields_reaches_no_message_and_no_error(
    name: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    family: Any = FamilyRecord()
    hostile: Any = {
        "as a field": replace(COMING, title=family),
        "as a word of a field": replace(COMING, told=(family,)),
        "inside a tuple": (COMING, family),
        "as the line itself": family,
    }[way]
    with caplog.at_level(logging.DEBUG), pytest.raises((MessageRefused, AttributeError)) as refused:
        render(replace(MESSAGES[name], lines=(hostile,)))  # type: ignore[type-var]
    assert "CANARY" not in str(refused.value) + caplog.text


@pytest.mark.parametrize("field", FamilyRecord.__dataclass_fields__)
def test_a_template_that_asks_for_a_personal_field_fails(field: str) -> None:
    for source in (f"{{{{ message.{field} }}}}", f"{{{{ message.lines[0].{field} }}}}", f"{{{{ {field} }}}}"):
        pages = {"digest.txt.j2": source, "digest.html.j2": source}
        with pytest.raises(MessageRefused, match="digest"):
            render(MESSAGES["digest"], templates=environment(DictLoader(pages)))


def test_the_search_itself_finds_a_canary_in_text_page_and_subject(tmp_path: Path) -> None:
    leaking = replace(COMING, title="CANARY-Zoë")
    raw = build(
        render(replace(MESSAGES["digest"], lines=(leaking,))),  # type: ignore[type-var]
        to=WORKER.email,
        sender=SENDER,
        message_id=MESSAGE_ID,
        moment=MOMENT,
    )
    FileChannel(tmp_path).send(raw, to=WORKER.email, message_id=MESSAGE_ID)
    [written] = tmp_path.iterdir()
    assert decoded(written.read_bytes()).count("CANARY-Zoë") == 2
    assert "CANARY-Zoë" not in raw.decode("ascii")


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_this_package_imports_nothing_that_holds_cases_and_asks_no_clock(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            ours = name.startswith(("ehscheduler", "sqlalchemy", "jinja2"))
            assert not ours or any(name == allowed or name.startswith(allowed + ".") for allowed in ALLOWED), name
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today", "getfqdn"}, f"{path.name} asks for {node.attr}"


def test_templates_name_only_fields_that_exist() -> None:
    for message in MESSAGES.values():
        render(message)  # StrictUndefined: an unknown name fails
