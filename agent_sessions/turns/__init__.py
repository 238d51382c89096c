"""A session as turns: a user's message and everything that answers it."""
