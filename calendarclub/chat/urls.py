"""The URLs of the chat."""

from django.urls import path

from calendarclub.chat import views

app_name = "chat"
urlpatterns = [
    path("", views.home, name="home"),
    path("conversations/", views.conversations, name="conversations"),
    # <path:>, because a session that other code created may have slashes in its id.
    path("conversations/<path:session_id>/messages/", views.messages, name="messages"),
    path("conversations/<path:session_id>/reset/", views.reset, name="reset"),
    path("conversations/<path:session_id>/", views.conversation, name="conversation"),
]
