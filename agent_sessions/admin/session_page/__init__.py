"""The page of one session: a window of its conversation as turns and cards, and its search."""
