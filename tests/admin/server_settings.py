"""calendarclub's settings for a server on which a browser looks at the admin."""

from calendarclub.settings import *  # noqa: F403
from calendarclub.settings import MIDDLEWARE

# The admin's own policy is to hold, without the chat's behind it.
MIDDLEWARE.remove("calendarclub.chat.middleware.content_security_policy")
AGENT_SESSIONS_PRICES = {
    "gpt-5": {"input": "1.25", "cached": "0.125", "output": "10.00"},
    "gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"},
}
AGENT_SESSIONS_CURRENCY = "EUR"
