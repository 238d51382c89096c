"""The WSGI application, for the admin alone: the chat streams, and streaming needs ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "calendarclub.settings")
application = get_wsgi_application()
