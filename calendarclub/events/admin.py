"""Events in the admin."""

from __future__ import annotations

from django.contrib import admin

from calendarclub.events.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("title", "start", "city", "category", "price")
    list_filter = ("category", "city", "all_day")
    search_fields = ("title", "description", "venue", "city", "uid")
    date_hierarchy = "start"
    readonly_fields = ("series_uid",)
    # It would take a second COUNT of the whole table.
    show_full_result_count = False
