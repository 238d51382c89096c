from __future__ import annotations

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "calendarclub.chat"
    label = "calendarclub_chat"
    verbose_name = "Calendar Club"
