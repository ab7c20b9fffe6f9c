"""What an extract may be beside a table of workflow steps: the rows of a profile, and the columns a mapping may name.

A profile says where our fields stand, so its mapping has no [columns] and no [status]: a row is `ended` when it has an
end, else `open`. Which event a row is remains the mapping's to say, for only the council knows what its words mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass

OPEN, ENDED = "open", "ended"
ISO_AND_DAY_FIRST = ("iso", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of extract: its types of row with the columns that each has, and where our own fields stand.

    `placeholders` are cells that mean nothing; `snapshots` tells whether it says all that there is.
    """

    name: str
    columns: Mapping[str, str]
    types: Mapping[str, tuple[str, ...]]
    cases: tuple[str, ...]
    placeholders: tuple[str, ...] = ()
    snapshots: bool = True

    @property
    def headers(self) -> tuple[str, ...]:
        """Every column that some row has, each once."""
        listed = [*self.columns.values(), *(column for columns in self.types.values() for column in columns)]
        return tuple(dict.fromkeys(listed))

    def type_of(self, text: str) -> str:
        """Return the type that a mapping means: an involvement may name its role after a colon."""
        return text.partition(":")[0].strip()


EPISODE, INVOLVEMENT, CONTACT = "early help episode", "involvement", "contact"
FLAG = "cont_contact_outcome_json"
FLAGS = (
    "NEW_REFERRAL_FLAG",
    "EXISTING_REFERRAL_FLAG",
    "CP_ENQUIRY_FLAG",
    "NFA_FLAG",
    "NON_AGENCY_ADOPTION_FLAG",
    "PRIVATE_FOSTERING_FLAG",
    "ADVICE_FLAG",
    "MISSING_FLAG",
    "OLA_CP_FLAG",
    "OTHER_OUTCOMES_EXIST_FLAG",
)
SSD = Profile(
    name="ssd",
    columns={
        "workflow_step_id": "id",
        "step_type": "type",
        "person_id": "person",
        "group_id": "family",
        "started_on": "start",
        "completed_on": "end",
        "status": "status",
        "worker_id": "worker",
    },
    types={
        EPISODE: (
            "team",
            "team_id",
            "earl_episode_reason",
            "earl_episode_end_reason",
            "earl_episode_organisation",
        ),
        INVOLVEMENT: ("team", "team_id", "invo_professional_role_id", "invo_worker_change_reason"),
        CONTACT: ("cont_contact_source_code", *(f"{FLAG}.{flag}" for flag in FLAGS)),
    },
    cases=("group_id", "person_id"),
    placeholders=("placeholder data", "Placeholder data", "-1", "null", "None"),
)

HELP_ASSESSMENT, REFERRAL = "early help assessment", "referral"
ANNEX_A = Profile(
    name="annex_a",
    columns={
        "workflow_step_id": "id",
        "step_type": "type",
        "person_id": "child",
        "started_on": "start",
        "completed_on": "end",
        "status": "status",
    },
    types={
        CONTACT: ("date_of_birth", "source"),
        HELP_ASSESSMENT: ("date_of_birth", "organisation"),
        REFERRAL: ("date_of_birth", "source", "nfa", "team", "worker"),
    },
    cases=("person_id",),
    snapshots=False,
)
PROFILES: Mapping[str, Profile] = {one.name: one for one in (SSD, ANNEX_A)}
