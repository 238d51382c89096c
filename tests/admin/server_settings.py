"""calendarclub's settings for a server that browser tests of the admin use."""

from calendarclub.settings import *  # noqa: F403
from calendarclub.settings import MIDDLEWARE

# Only the admin's own content security policy is tested, not the chat's.
MIDDLEWARE.remove("calendarclub.chat.middleware.content_security_policy")
AGENT_SESSIONS_PRICES = {
    "gpt-5": {"input": "1.25", "cached": "0.125", "output": "10.00"},
    "gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"},
}
AGENT_SESSIONS_CURRENCY = "EUR"
