"""What all tests need: a quiet SDK that sends no traces, and hypothesis at this machine's pace."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# The SDK would try to send the traces of every run to its vendor.
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
os.environ.pop("OPENAI_API_KEY", None)
# What a test starts works on the test's own database.
os.environ.pop("DATABASE_URL", None)

# A slow machine is no failure; a wrong answer is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
