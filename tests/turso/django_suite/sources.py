"""The tests of the installed Django, which its wheel does not contain."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import django

from tests.turso.server import ROOT

CACHE = ROOT / ".django-suite"


def tests_of_django() -> Path:
    """Return the folder of runtests.py, downloading Django's sdist if it is missing."""
    version = django.get_version()
    folder = CACHE / f"django-{version}" / "tests"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as downloads:
            _extract(_download(version, Path(downloads)), folder.parent)
    return folder


def _download(version: str, into: Path) -> Path:
    # Only Django as source: the packages that pip needs to read its metadata may be wheels.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", "django", "--dest", str(into), f"django=={version}"]
    subprocess.run(command, check=True)
    (archive,) = into.glob("*.tar.gz")
    return archive


def _extract(archive: Path, target: Path) -> None:
    """Extract tests/ to `target`, completely or not at all."""
    CACHE.mkdir(exist_ok=True)
    with tarfile.open(archive) as sources, tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
        inside = [name for name in sources.getmembers() if "/tests/" in name.name]
        wanted = [member for member in inside if member.name.split("/")[1] == "tests"]
        sources.extractall(unfinished, wanted, filter="data")
        (unpacked,) = Path(unfinished).iterdir()
        unpacked.rename(target)
