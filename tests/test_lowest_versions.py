"""lowest_versions: the ranges of versions that requirements allow."""

from __future__ import annotations

import unittest
from collections import defaultdict

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.lowest_versions import declared, lowest

# The project uses private names of these, or overrides methods: see pyproject.toml.
WITH_UPPER_BOUNDS = {"django", "openai-agents", "asgiref", "django-libsql", "urllib3"}


class LowestTests(unittest.TestCase):
    """lowest() and declared()."""

    def test_higher_of_two(self) -> None:
        """The higher of two lower bounds wins, in any spelling of the name; <, != do not count."""
        requirements = [*map(Requirement, ["a_b>=1.9,<3", "A-b[x]>=1.10,!=2", "c==4", "d<5", "e"])]

        self.assertEqual(lowest(requirements), {"a-b": Version("1.10"), "c": Version("4")})

    def test_every_requirement_has_a_bound(self) -> None:
        """Every requirement has a lower bound."""
        names = {canonicalize_name(requirement.name) for requirement in declared()}

        self.assertEqual(names, set(lowest(declared())))
        self.assertIn("django", names)

    def test_files_agree(self) -> None:
        """A package that is listed in several places has the same range in each."""
        ranges = defaultdict(set)
        for requirement in declared():
            ranges[canonicalize_name(requirement.name)].add(str(requirement.specifier))

        self.assertEqual({name: found for name, found in ranges.items() if len(found) > 1}, {})

    def test_upper_bounds(self) -> None:
        """Packages whose private names are used have an upper bound, and no others."""
        bounded = {
            canonicalize_name(requirement.name)
            for requirement in declared()
            if any(bound.operator == "<" for bound in requirement.specifier)
        }

        self.assertEqual(bounded, WITH_UPPER_BOUNDS)
