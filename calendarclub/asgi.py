"""The ASGI application, which uvicorn serves.

It loads the Agents SDK, which takes seconds, when the server starts. manage.py never imports this
module, so its commands do not wait for the SDK.
"""

import os
from importlib import import_module

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "calendarclub.settings")
application = get_asgi_application()

# After Django is set up, because both modules import models. Without this the first visitor of each
# worker would wait for the SDK.
for name in ("calendarclub.urls", "calendarclub.chat.agent_view"):
    import_module(name)
