"""A base for mixins that use the assertions of the test case that they are mixed into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import SimpleTestCase as Mixin
else:
    Mixin = object  # a subclass of TestCase would be collected and run by itself

__all__ = ["Mixin"]
