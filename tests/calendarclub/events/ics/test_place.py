"""Locations are split into venue and city."""

from __future__ import annotations

from django.test import SimpleTestCase

from calendarclub.events.ics.place import venue_and_city

PLACES = {
    "": ("", ""),
    "Cellar Nine": ("Cellar Nine", ""),
    "Cellar Nine, Waterhaven": ("Cellar Nine", "Waterhaven"),
    "Cellar Nine, Quayside 12": ("Cellar Nine, Quayside 12", ""),
    "Cellar Nine, Quayside 12, Waterhaven": ("Cellar Nine, Quayside 12", "Waterhaven"),
    "Cellar Nine, Quayside 12, 1017 AB Waterhaven, Netherlands": (
        "Cellar Nine, Quayside 12",
        "Waterhaven",
    ),
    "Cellar Nine\nLock Street 3, 10115 Waterhaven, Germany": (
        "Cellar Nine, Lock Street 3",
        "Waterhaven",
    ),
    "Cellar Nine, 4 Lock St, Waterhaven SW1A 1AA, UK": ("Cellar Nine, 4 Lock St", "Waterhaven"),
    "Cellar Nine, 4 Lock St, Waterhaven, OR 97205, USA": ("Cellar Nine, 4 Lock St", "Waterhaven"),
    "Cellar Nine, Waterhaven, Nederland": ("Cellar Nine", "Waterhaven"),
    " , ,Cellar Nine,, Waterhaven ,": ("Cellar Nine", "Waterhaven"),
}


class PlaceTests(SimpleTestCase):
    def test_places(self) -> None:
        """Addresses of several countries are split into venue with street, and city."""
        for location, expected in PLACES.items():
            with self.subTest(location):
                self.assertEqual(venue_and_city(location), expected)
