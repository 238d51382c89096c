"""The page of usage: tokens, sessions and costs by day, agent, model and user."""
