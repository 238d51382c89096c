"""Actions on one session or on those selected in the list: export, fork, purge, delete."""
