"""Print the lowest version that each range of the project's requirements allows, for pip.

    python -m tests.lowest_versions > lowest.txt
    pip install -r tests/requirements.txt -c lowest.txt

A range says which versions work. .ci/run runs a part of the suite on the lower ends of all of them,
so that each bound is a version that was tried. The ranges are read where they are declared:
pyproject.toml, requirements.txt and tests/requirements.txt. Of two bounds for one package the
higher one holds. Packages that only other packages require are pip's to choose.
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
        if line.strip() and not line.startswith("-"):  # -r and -e name no package of an index
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
