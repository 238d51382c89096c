"""The URLs of calendarclub."""

from django.contrib import admin
from django.contrib.auth import urls as auth_urls
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include(auth_urls)),
    path("events/", include("calendarclub.events.urls")),
    path("", include("calendarclub.chat.urls")),
]
