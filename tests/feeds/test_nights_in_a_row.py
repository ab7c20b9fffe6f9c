"""Several nights of extracts: what waited together is taken one by one, and the next is measured by the last alone."""

from tests.feeds.conftest import Folder, extract, row, thirty


def test_after_two_extracts_that_waited_together_the_next_one_is_measured_by_the_last(fed: Folder) -> None:
    further = [row(f"N{n}", "Home Visit", f"F{20 + n}", "03/03/2026") for n in range(3)]
    fed.put("steps-2026-03-03.csv", extract(*thirty(*further[:1])))
    fed.put("steps-2026-03-04.csv", extract(*thirty(*further[:2])))
    assert fed.night("2026-03-04 02:00").taken == 2
    fed.put("steps-2026-03-05.csv", extract(*thirty(*further)))
    assert fed.night("2026-03-05 02:00").taken == 1, fed.report("refused")
    assert fed.house.alarms() == []
