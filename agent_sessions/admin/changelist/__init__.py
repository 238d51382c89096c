"""The list of sessions: columns, filters, search."""
