"""One tree of exceptions; what is raised carries the sentence that is shown."""

from collections.abc import Sequence


def where(error: BaseException) -> str:
    """Name an exception by its kind and by the line that raised it, without what it says."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{type(error).__name__} in {at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else type(error).__name__


class EhsError(Exception):
    """Something a person has to know; `str()` is the sentence they read."""


class Refused(EhsError):
    """Input that was refused, with every fault that was found in it."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


class PolicyRefused(Refused):
    """A policy file that cannot be used; each fault names file, table and remedy."""


class ConfigRefused(Refused):
    """A configuration file that cannot be used; each fault names file, table and remedy."""


class InputRefused(Refused):
    """An input file that cannot be used; each problem names file, line and remedy."""

    @property
    def problems(self) -> list[str]:
        return self.faults


class PhraseFault(EhsError):
    """A phrase of the policy language that cannot be read; the sentence says what was expected."""


class OutOfCalendar(EhsError):
    """A date beyond the years for which bank holidays are known."""


class StoreError(EhsError):
    """The database could not do what was asked; the sentence names the place and the remedy."""


class AnotherDaemon(StoreError):
    """Another daemon holds this database; the sentence says who and since when."""


class DeliveryFailed(EhsError):
    """A message that could not be handed over; the sentence gives the server's answer."""
