"""The page of one session: its conversation, and what was searched for in it."""
