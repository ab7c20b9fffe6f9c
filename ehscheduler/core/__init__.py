"""The pure core: calendars, phrases, policies, milestones, notices and their explanation.

Standard library only. No clock, no database, no network, no environment.
"""
