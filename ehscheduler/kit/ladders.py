"""A ladder is there to be climbed: some rule names it. That its rungs reach somebody the reader has made sure of."""

from ehscheduler.kit.plugin import Plugin


def ladder_faults(plugin: Plugin) -> list[str]:
    """Say which ladders no rule climbs."""
    climbed = {name for rule in plugin.policy.rules.values() for name in (rule.escalate, rule.decided_by)}
    said = "no rule climbs it; name it under 'escalate' or 'decided_by' of a rule, or take it out"
    return [f"{plugin.policy.file} [ladder.{id_}]: {said}" for id_ in plugin.policy.ladders if id_ not in climbed]
