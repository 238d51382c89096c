"""The WSGI application, only for the admin: the chat streams, which needs ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "calendarclub.settings")
application = get_wsgi_application()
