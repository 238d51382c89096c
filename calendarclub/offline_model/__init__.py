"""A model that answers for the Calendar Club agent by rules, without network or key.

To copy the chat you need not read it. It lets the demo and the tests run without an API: it gets
what a language model gets, the instructions, the items and the tools, and calls the same tools.

`conversation` reads the items, `parsed_message` the user's words, `search_arguments` what is being
looked for. `next_step` chooses a tool call or an `answer`.
"""

from calendarclub.offline_model.model import OfflineModel

__all__ = ["OfflineModel"]
