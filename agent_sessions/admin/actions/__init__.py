"""Actions on sessions: export, fork, purge, delete."""
