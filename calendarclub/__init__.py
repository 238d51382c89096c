"""Calendar Club: a chat that finds local events, and remembers with agent_sessions."""
