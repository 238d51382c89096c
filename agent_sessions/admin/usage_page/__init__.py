"""The usage page: tokens, sessions and costs by day, agent, model and user."""
