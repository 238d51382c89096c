"""The ASGI application, which uvicorn serves.

The server loads the Agents SDK when it starts, which takes seconds. manage.py never reads this
module, so its commands do not wait for the SDK.
"""

import os
from importlib import import_module

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "calendarclub.settings")
application = get_asgi_application()

# The first visitor of each worker would wait otherwise. After Django is set up: they need models.
for name in ("calendarclub.urls", "calendarclub.chat.agents", "calendarclub.chat.event_stream"):
    import_module(name)
