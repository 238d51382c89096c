"""The URLs below events/."""

from __future__ import annotations

from django.urls import path

from calendarclub.events import views

app_name = "events"
urlpatterns = [
    path("<int:pk>.ics", views.ics_one, name="ics_one"),
    path("calendar.ics", views.ics, name="ics"),
    path("<int:pk>/google", views.google, name="google"),
]
