"""The admin alone."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseNotFound
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseNotFound:
    """Answer without the example's page, which leads to the example's views."""
    return HttpResponseNotFound("Not found.")
