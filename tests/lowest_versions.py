"""Print the lowest version that each range of the project's requirements allows, for pip.

    python -m tests.lowest_versions > lowest.txt
    pip install -r tests/requirements.txt -c lowest.txt

.ci/run runs a part of the suite on these versions, so that each lower bound is a version that was
tried. The ranges are read from pyproject.toml, requirements.txt and tests/requirements.txt. The
higher of two bounds for one package wins. pip chooses the versions of indirect requirements.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "tests/requirements.txt")


def declared() -> Iterator[Requirement]:
    """Yield every requirement of the project, its extras and its tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        lines += extra
    for name in FILES:
        lines += [line.partition("#")[0] for line in (ROOT / name).read_text("utf-8").splitlines()]
    for line in lines:
        if line.strip() and not line.startswith("-"):  # -r and -e do not name packages
            yield Requirement(line)


def lowest(requirements: Iterable[Requirement]) -> dict[str, Version]:
    """Return the highest of the lower bounds for each package that has one."""
    found: dict[str, Version] = {}
    for requirement in requirements:
        for bound in requirement.specifier:
            if bound.operator in (">=", "=="):
                version = Version(bound.version)
                name = canonicalize_name(requirement.name)
                found[name] = max(version, found.get(name, version))
    return found


if __name__ == "__main__":
    for name, version in sorted(lowest(declared()).items()):
        sys.stdout.write(f"{name}=={version}\n")
