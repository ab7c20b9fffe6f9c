"""The process in which one authority's own templates run: a line of JSON in, a line of JSON out, until its end.

It has no environment variables, opens no file after its start, and holds no more memory than it is given. What it
answers of a fault names the template and the line, and never a value: a value can be a case's.
"""

import json
import re
import resource
import sys
from datetime import date
from typing import Any, BinaryIO

from jinja2 import TemplateNotFound

from ehscheduler.notify import messages, render
from ehscheduler.notify.own_page import PART_LENGTH
from ehscheduler.notify.own_texts import PARTS, OwnEnvironment, Texts, environment
from ehscheduler.notify.whitelist import RECORDS, whitelisted, whitelisted_context

MEMORY = 128 * 1024 * 1024
_KNOWN = {record.__name__: record for record in RECORDS}

Answer = dict[str, Any]


class _TooLong(Exception):
    """More was written than a part may have."""


def plain_of(value: Any) -> Any:
    """Write a whitelisted record in what JSON has."""
    if type(value) in RECORDS:
        return {"record": type(value).__name__} | {name: plain_of(getattr(value, name)) for name in _names(value)}
    if isinstance(value, date):
        return {"record": "date", "on": value.isoformat()}
    return [plain_of(one) for one in value] if isinstance(value, tuple) else value


def record_of(plain: Any) -> Any:
    """Read back what `plain_of` wrote."""
    if isinstance(plain, list):
        return tuple(map(record_of, plain))
    if not isinstance(plain, dict):
        return plain
    kind = plain.pop("record")
    if kind == "date":
        return date.fromisoformat(plain["on"])
    return _KNOWN[kind](**{name: record_of(value) for name, value in plain.items()})


def _names(record: Any) -> list[str]:
    return list(record.__dataclass_fields__)


def written(env: OwnEnvironment, texts: Texts, kind: str, message: messages.Message) -> Answer:
    """Write the parts of one message for which there is a template, or say what failed and where."""
    full = whitelisted_context(render.context_of(whitelisted(message)))
    parts: Answer = {}
    for part in PARTS:
        name = f"{kind}.{part}"
        if name not in dict(texts):
            continue
        context = _of_subject(message, full) if part == "subject" else full
        try:
            parts[part] = _page(env, name, context)
        except Exception as error:  # somebody else's template: whatever it raises is an answer
            return {"fault": fault_of(error, name, texts)}
    return parts


def _of_subject(message: messages.Message, full: Answer) -> Answer:
    """Give what a subject may see: counts, days and the authority, as it shows on lock screens."""
    imprint = getattr(message, "imprint")  # noqa: B009 - every kind that an authority may word has one
    return {
        "subject": full["subject"],
        "summary": full["summary"],
        "authority": imprint.authority,
        "day": message.day,
        "count": len(messages.lines_of(message)),
        "part": getattr(message, "part", 1),
        "parts": getattr(message, "parts", 1),
    }


def _page(env: OwnEnvironment, name: str, context: Answer) -> str:
    made: list[str] = []
    size = 0
    for piece in env.get_template(name).generate(context):
        size += len(piece)
        if size > PART_LENGTH:
            raise _TooLong
        made.append(piece)
    page = "".join(made)
    return page.strip() if name.endswith(".subject") else page.rstrip("\n") + "\n"


def fault_of(error: BaseException, name: str, texts: Texts) -> str:
    """Name what a template raised, the template, its line, and the word that is missing where the text has it."""
    at, line, held = error.__traceback__, 0, dict(texts)
    while at is not None:
        if at.tb_frame.f_code.co_filename in held:
            name, line = at.tb_frame.f_code.co_filename, at.tb_lineno
        at = at.tb_next
    line = getattr(error, "lineno", 0) or line
    place = f"{name} line {line}" if line else name
    if isinstance(error, _TooLong):
        return f"{place}: writes more than {PART_LENGTH} characters"
    if isinstance(error, MemoryError):
        return f"{place}: needs more than {MEMORY // 1024 // 1024} MiB"
    if isinstance(error, TemplateNotFound):
        return f"{place}: names a template that is not among your own"
    named = [word for word in re.findall(r"'([A-Za-z_]\w*)'", str(error)) if word in _words(held.get(name, ""))]
    missing = f": {named[-1]!r} is not there, or may not be used" if named else ""
    return f"{place}: {type(error).__name__}{missing}"


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


def compiled(env: OwnEnvironment, texts: Texts) -> Answer:
    """Compile every template, so that the first message does not wait for it."""
    faults = []
    for name, _ in texts:
        try:
            env.get_template(name)
        except Exception as error:  # as above
            faults.append(fault_of(error, name, texts))
    return {"faults": faults}


def limit() -> None:
    """Take away what no template needs: memory beyond the limit, files, further processes."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the other side is gone: first the templates, then message after message."""
    limit()
    _say(answers, {"ready": True})
    texts: Texts = tuple((name, text) for name, text in json.loads(asked.readline()))
    env = environment(texts)
    _say(answers, compiled(env, texts))
    for question in asked:
        told = json.loads(question)
        _say(answers, written(env, texts, told["kind"], record_of(told["message"])))


def _say(answers: BinaryIO, answer: Answer) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
