"""A council's own templates: which there may be, and what can be seen to be wrong before one is ever used."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from jinja2 import BaseLoader, FunctionLoader, StrictUndefined, TemplateSyntaxError, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ehscheduler.core.vocabulary import nearest
from ehscheduler.notify.messages import Operator
from ehscheduler.notify.render import FILTERS, TEMPLATES
from ehscheduler.notify.whitelist import RECORDS

KINDS: Mapping[str, type] = {name: kind for kind, name in TEMPLATES.items() if kind is not Operator}
"""The kinds of message that an authority may word itself; the operator's alarms are of all authorities."""
PARTS = ("subject", "txt", "html")
SHARED = ("page.html", "parts.html", "parts.txt")
"""What several of an authority's own templates may share."""
NAMES = (*(f"{kind}.{part}" for kind in KINDS for part in PARTS), *SHARED)
SOME = ("capitalize", "escape", "first", "join", "last", "length", "lower", "trim", "upper")
TESTS = ("defined", "divisibleby", "eq", "even", "ge", "gt", "in", "le", "lt", "ne", "none", "odd")
_FIELDS = {record: frozenset(one.name for one in fields(record)) for record in RECORDS}
_RUNNING = (BlockReference, LoopContext, TemplateModule, TemplateReference)

Texts = tuple[tuple[str, str], ...]
"""An authority's templates: the name and the text of each."""


class OwnEnvironment(ImmutableSandboxedEnvironment):
    """Where a council's own templates run: fields of our records, few filters, no methods, no globals, no files."""

    intercepted_binops = frozenset(("%", "*", "**"))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow the fields of our records, and what loops and imported macros have."""
        if type(obj) in _FIELDS:
            return attr in _FIELDS[type(obj)]
        return isinstance(obj, _RUNNING) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Count with whole numbers and nothing else: no text is repeated or filled in, and nothing is a power."""
        if operator == "**" or not (isinstance(left, int) and isinstance(right, int)):
            raise SecurityError(f"{operator} is for whole numbers" if operator != "**" else "there is no **")
        return super().call_binop(context, operator, left, right)


def environment(texts: Texts) -> OwnEnvironment:
    """Make the environment of one authority's templates; they see each other, and no file."""
    held = dict(texts)
    loader: BaseLoader = FunctionLoader(lambda name: (held[name], name, lambda: True) if name in held else None)
    made = OwnEnvironment(
        loader=loader,
        autoescape=lambda name: name is None or name.endswith(".html"),
        undefined=StrictUndefined,
        optimized=False,  # nothing of a template is worked out while it is compiled
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in SOME} | FILTERS
    made.tests = {name: made.tests[name] for name in TESTS}
    return made


def text_faults(texts: Texts) -> list[str]:
    """Say what is wrong with templates as they are written; each fault names the template, the line and the remedy."""
    env, found = environment(texts), []
    for name, text in texts:
        if name not in NAMES:
            found.append(f"{name}: there is no such template{nearest(name, NAMES)} (there are {', '.join(KINDS)})")
            continue
        try:
            found += [f"{name} line {line}: {said}" for line, said in _seen(env.parse(text, name), env, dict(texts))]
        except TemplateSyntaxError as fault:
            found.append(f"{name} line {fault.lineno}: {fault.message}")
        except (RecursionError, MemoryError):
            found.append(f"{name}: is nested too deep")
    return found


def _seen(tree: nodes.Template, env: OwnEnvironment, held: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    for used in tree.find_all((nodes.Filter, nodes.Test)):
        known = env.filters if isinstance(used, nodes.Filter) else env.tests
        if used.name not in known:
            what = "filter" if isinstance(used, nodes.Filter) else "test"
            yield used.lineno, f"no {what} {used.name!r}{nearest(used.name, list(known))}"
    for at in tree.find_all((nodes.EvalContextModifier, nodes.ScopedEvalContextModifier)):
        yield at.lineno, "autoescape cannot be turned off; leave the block out"
    for named in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        yield from ((named.lineno, said) for said in _not_own(getattr(named, "template"), held))  # noqa: B009


def _not_own(named: nodes.Node, held: Iterable[str]) -> Iterator[str]:
    listed = named.items if isinstance(named, nodes.List | nodes.Tuple) else [named]
    for one in listed:
        if not isinstance(one, nodes.Const):
            yield "a template is named by its name in quotes, not by an expression"
        elif one.value not in held:
            yield f"no template {one.value!r} is among your own; those of the scheduler cannot be used"
