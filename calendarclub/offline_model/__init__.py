"""A model that plays the Calendar Club agent's part by rules, without network or key.

It gets what a real model gets, the items and the tools, and nothing else: no database, no state
of its own. Item by item: memory.py reads the turns, request.py what the user says, wish.py what
is being looked for; situation.py brings these together, decision.py chooses what to do next,
wording.py and picks.py how to say it.
"""

from calendarclub.offline_model.model import OfflineModel

__all__ = ["OfflineModel"]
