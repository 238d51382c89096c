"""The activities of Waterhaven. The city and all names are invented."""

from __future__ import annotations

from dataclasses import dataclass

CITY = "Waterhaven"
FREE, UNKNOWN = "free", ""


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity with one of `names` in its title, at one of `prices`."""

    category: str
    title: str
    description: str
    venue: str
    starts: tuple[str, ...]
    minutes: int
    prices: tuple[str, ...]
    names: tuple[str, ...] = ("",)


EVENINGS = (
    Activity(
        "music",
        "{name} live",
        "Two sets with a short break. Doors open half an hour before.",
        "The Copper Lantern",
        ("20:00", "20:30", "21:00"),
        150,
        ("12.50 EUR", "17.50 EUR", "22.00 EUR"),
        ("The Paper Tides", "Night Ferry Quartet", "Velvet Signal", "Harbour Static", "Low Moon"),
    ),
    Activity(
        "music",
        "Jazz session: {name}",
        "The house trio opens; after the break anybody with an instrument may join.",
        "Cellar Nine",
        ("20:30", "21:00"),
        150,
        (FREE, "5.00 EUR"),
        ("blue hour", "after hours", "standards night", "brass evening"),
    ),
    Activity(
        "music",
        "Chamber music by candlelight: {name}",
        "An hour of strings without a break, in a church with a famous echo.",
        "Saint Odile's Chapel",
        ("19:30", "20:15"),
        75,
        ("15.00 EUR", "19.50 EUR"),
        ("winter quartets", "northern songs", "late trios"),
    ),
    Activity(
        "comedy",
        "{name}",
        "Six comedians, ten minutes each, and a host who has heard it all before.",
        "Laughing Heron Club",
        ("20:00", "20:30"),
        120,
        ("9.00 EUR", "12.00 EUR", "14.50 EUR"),
        ("Stand-up at the Heron", "Six New Jokes", "The Late Laugh", "English Comedy Night"),
    ),
    Activity(
        "comedy",
        "Improv night: {name}",
        "Short scenes made up on the spot from what the audience shouts.",
        "Laughing Heron Club",
        ("19:30", "21:30"),
        90,
        ("7.50 EUR", "10.00 EUR"),
        ("no script", "two truths", "the lost suitcase"),
    ),
    Activity(
        "theatre",
        "{name}",
        "A new play by the house company, with English surtitles.",
        "Tidewater Theatre",
        ("19:30", "20:00"),
        135,
        ("18.00 EUR", "24.00 EUR", "29.50 EUR"),
        ("The Glass Orchard", "A House by the Lock", "Three Letters Home", "The Understudy's Coat"),
    ),
    Activity(
        "film",
        "Film: {name}",
        "On the big screen in the original language, with an introduction.",
        "Cinema Meridian",
        ("18:45", "19:00", "20:45", "21:15"),
        120,
        ("8.50 EUR", "11.00 EUR"),
        ("Salt Roads", "The Quiet Signal", "Eleven Bridges", "Snow on the Quay", "Static Summer"),
    ),
    Activity(
        "food",
        "{name}",
        "A long table, five small courses, one of them always without meat.",
        "Kitchen Pier Four",
        ("18:30", "19:00"),
        150,
        ("32.50 EUR", "38.00 EUR", "45.00 EUR"),
        ("Harbour supper club", "Dumpling workshop", "Cheese and cider evening", "Spice night"),
    ),
    Activity(
        "art",
        "Late opening: {name}",
        "The galleries stay open; short tours start every half hour.",
        "Museum of Small Things",
        ("18:00", "18:30"),
        180,
        (FREE, "6.00 EUR"),
        ("maps and mirrors", "paper cities", "drawn by daylight", "the colour of rain"),
    ),
    Activity(
        "tech",
        "{name}",
        "Two talks, a demonstration and time to ask. Beginners are welcome.",
        "The Switchyard",
        ("18:30", "19:00"),
        120,
        (FREE,),
        ("Python evening", "Open data meetup", "Makers' night", "Web performance clinic"),
    ),
    Activity(
        "sports",
        "{name}",
        "All levels; shoes and bats can be borrowed at the desk.",
        "Northdock Sports Hall",
        ("18:30", "19:30"),
        90,
        (FREE, "4.00 EUR", UNKNOWN),
        ("Table tennis ladder", "Drop-in volleyball", "Bouldering for beginners"),
    ),
)

DAYTIMES = (
    Activity(
        "market",
        "{name}",
        "Some sixty stalls under the old roof. Bring a bag and small change.",
        "Ropemakers' Hall",
        ("10:00", "11:00"),
        360,
        (FREE,),
        ("Vintage market", "Plant swap and market", "Book market", "Makers' market"),
    ),
    Activity(
        "family",
        "{name}",
        "For children from four, and whoever brings them. No booking.",
        "Tidewater Theatre",
        ("10:30", "14:00", "15:30"),
        60,
        ("6.00 EUR", "8.00 EUR"),
        ("Puppets: the Brave Little Tram", "Story circus", "The Bear Who Could Not Sleep"),
    ),
    Activity(
        "family",
        "Workshop for children: {name}",
        "Build something and take it home. Adults may help, if they are asked.",
        "Museum of Small Things",
        ("11:00", "13:30"),
        90,
        (FREE, "5.00 EUR"),
        ("paper boats", "shadow theatre", "robots from cardboard"),
    ),
    Activity(
        "outdoors",
        "{name}",
        "An easy walk of about seven kilometres with a guide. It goes ahead in the rain.",
        "Lockkeeper's Bridge",
        ("09:30", "10:30", "13:00"),
        150,
        (FREE,),
        ("Birds of the river bend", "Walk along the old canals", "Dune and marsh walk"),
    ),
    Activity(
        "outdoors",
        "Kayak tour: {name}",
        "Two hours on the water; boats and vests are included.",
        "Northdock Jetty",
        ("10:00", "14:00"),
        120,
        ("17.50 EUR", "20.00 EUR"),
        ("harbour round", "under eleven bridges"),
    ),
    Activity(
        "food",
        "{name}",
        "Twelve kitchens, one long quay, and tables for everybody.",
        "Kitchen Pier Four",
        ("12:00", "12:30"),
        300,
        (FREE,),
        ("Street food on the pier", "Soup Sunday", "Bread and butter fair"),
    ),
    Activity(
        "sports",
        "{name}",
        "Come ten minutes early to sign in; spectators are welcome.",
        "Willow Park",
        ("09:00", "10:00", "11:00"),
        120,
        (FREE, "3.00 EUR"),
        ("Park run and coffee", "Yoga under the willows", "Ultimate for everyone"),
    ),
    Activity(
        "art",
        "Exhibition tour: {name}",
        "An hour with one of the curators; the ticket is good for the whole day.",
        "Gallery Overwater",
        ("11:30", "14:30"),
        60,
        ("9.50 EUR", "12.00 EUR"),
        ("ink and iron", "the flood in photographs", "textiles today"),
    ),
)
