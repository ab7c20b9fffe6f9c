"""Links to the council's own case system, from a template in config."""

from urllib.parse import quote

LINK_LENGTH = 400


def is_link(text: str) -> bool:
    """Say whether text is an http(s) address in at most 400 letters of plain ASCII, without quotes or brackets."""
    scheme, mark, rest = text.partition("://")
    plain = all("!" <= letter <= "~" and letter not in "\"'<>\\`" for letter in rest)
    return scheme in {"http", "https"} and bool(mark) and bool(rest) and plain and len(text) <= LINK_LENGTH


def link_fault(template: str) -> str | None:
    """Say what is wrong with a link template such as `https://cases.council.example/open/{case_ref}`, or None."""
    if template.count("{case_ref}") != 1 or set(template.replace("{case_ref}", "")) & set("{}"):
        return "the link must hold {case_ref} once, and no other braces"
    host = template.partition("://")[2].partition("/")[0]
    if "{" in host or not is_link(template.replace("{case_ref}", "x")):
        return "the link must be a plain http or https address, with {case_ref} after the host's name"
    return None


def link_to(template: str, case_ref: str) -> str:
    """Fill a link template; whatever stands in the reference stays one part of the address."""
    return template.replace("{case_ref}", quote(case_ref, safe=""))
