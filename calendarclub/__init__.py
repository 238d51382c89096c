"""Calendar Club: a chat that finds local events, the example project of agent_sessions."""
