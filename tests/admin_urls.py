"""URLs of the admin and nothing else."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseNotFound
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseNotFound:
    """Answer without the example's template, which links to the example's views."""
    return HttpResponseNotFound("Not found.")
