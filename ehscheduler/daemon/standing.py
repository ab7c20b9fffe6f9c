"""Why a message comes to this reader and not to the usual one: they cover, or nobody nearer the work can be told."""

from dataclasses import dataclass, replace

from ehscheduler.core.people import LEAD, Directory, Person, Resolved
from ehscheduler.core.workload import Crossing
from ehscheduler.daemon.desk import as_word
from ehscheduler.daemon.meant import meant
from ehscheduler.daemon.recheck import Around, Checked, asked
from ehscheduler.notify.words import day_words, list_words

TO_MANAGERS = ("escalation", "dispute")
"""The kinds that are told to managers, who see names; a colleague who covers sees the role alone."""


def why_here(one: Checked, around: Around) -> str:
    """Say for whom a reader stands in, and why; nothing to somebody who holds one of the notice's roles themselves.

    Whoever is told because nobody nearer can be is a manager, too, and sees who it is.
    """
    if isinstance(one.about, Crossing) or one.notice.kind == "baseline":
        return ""
    now = asked(one.notice, one.evaluation, around)
    if around.recipient.startswith("team:"):
        nobody = not any(found.people for found in now.values())
        return "It comes to this address because nobody else can be told of it." if nobody else ""
    usual = asked(one.notice, one.evaluation, replace(around, directory=around.directory.with_all_here()))
    reader = around.recipient.removeprefix("person:")
    posts = [_Post(role, now[role], usual[role], reader) for role in now if reader in _ids(now[role])]
    if not posts or any(post.own for post in posts):
        return ""
    return posts[0].said(one, around)


def roles_of(one: Checked, around: Around) -> list[str]:
    """Return the roles of a notice that its reader acts in."""
    reader = around.recipient.removeprefix("person:")
    return [role for role, found in asked(one.notice, one.evaluation, around).items() if reader in _ids(found)]


def owner_words(one: Checked, around: Around) -> str:
    """Name whose work it is, and where they are not here, why not and who covers; nothing where nobody is the owner.

    A duty address is read by many: there it is a role, and no name.
    """
    if around.recipient.startswith("team:"):
        return ""
    policy, facts, role = around.authority.policy, one.evaluation.facts, one.milestone.owner
    usual = meant(role, policy, around.directory.with_all_here(), facts)
    people = _left(one, around, role) if usual.climbed else usual.people
    return list_words([_owner(person, around.directory) for person in people])


@dataclass(frozen=True, slots=True)
class _Post:
    """One role of a notice that its reader acts in: who acts `now`, and who does `usual`ly."""

    role: str
    now: Resolved
    usual: Resolved
    reader: str

    @property
    def own(self) -> bool:
        """Tell whether the reader holds the role themselves, whoever else is away."""
        return not self.now.climbed and self.reader in _ids(self.usual)

    def said(self, one: Checked, around: Around) -> str:
        directory, title = around.directory, around.authority.policy.title_of_role(self.role)
        if self.now.climbed:
            people = _left(one, around, self.role) if self.usual.climbed else self.usual.people
            gone = list_words([f"{person.name} {_gone(person, directory)}" for person in people])
            return f"It comes to you because nobody acts as {title}: {gone or 'nobody is on record'}."
        away = [person for person in self.usual.people if _acts_for(directory, person) == self.reader]
        named = f", {list_words([p.name for p in away])}," if one.notice.kind in TO_MANAGERS else ","
        return f"You cover for the {title}{named} who {_gone(away[0], directory)}." if away else ""


def _ids(found: Resolved) -> set[str]:
    return {person.person_id for person in found.people}


def _acts_for(directory: Directory, person: Person) -> str:
    acting = directory.acting(person.person_id)
    return acting.person_id if acting else ""


def _owner(person: Person, directory: Directory) -> str:
    if person.person_id in directory.people and person.person_id not in {*directory.absent, *directory.unreachable}:
        return person.name
    cover = directory.acting(person.person_id)
    return f"{person.name}, who {_gone(person, directory)}; {cover.name if cover else 'nobody'} covers"


def _gone(person: Person, directory: Directory) -> str:
    """Say since when somebody is not here, or until when."""
    if person.person_id not in directory.people:
        return f"left on {day_words(person.valid_to)}" if person.valid_to else "has left"
    away = directory.absent.get(person.person_id)
    if away:
        return f"is away until {day_words(away.away_to)}"
    return "cannot be reached by mail" if person.person_id in directory.unreachable else "is here"


def _left(one: Checked, around: Around, role: str) -> tuple[Person, ...]:
    """Return the lead who left, where a role means the lead."""
    policy, lead = around.authority.policy, as_word(one.evaluation.facts.get(LEAD))
    means = policy.roles.get(role)
    if role != LEAD and not (isinstance(means, tuple) and LEAD in means):
        return ()
    person = around.directory.known.get(lead or "")
    return (person,) if person and person.person_id not in around.directory.people else ()
