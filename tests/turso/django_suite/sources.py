"""The tests of the Django that is installed, which its wheel leaves out."""

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
    """Return the folder of runtests.py, fetched from the package index if it is not there."""
    version = django.get_version()
    folder = CACHE / f"django-{version}" / "tests"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as downloads:
            _extract(_download(version, Path(downloads)), folder.parent)
    return folder


def _download(version: str, into: Path) -> Path:
    # Django alone as source: what pip needs to read its metadata may come as a wheel.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", "django", "--dest", str(into), f"django=={version}"]
    subprocess.run(command, check=True)
    (archive,) = into.glob("*.tar.gz")
    return archive


def _extract(archive: Path, target: Path) -> None:
    """Put tests/ under `target`, whole or not at all."""
    CACHE.mkdir(exist_ok=True)
    with tarfile.open(archive) as sources, tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
        inside = [name for name in sources.getmembers() if "/tests/" in name.name]
        wanted = [member for member in inside if member.name.split("/")[1] == "tests"]
        sources.extractall(unfinished, wanted, filter="data")
        (unpacked,) = Path(unfinished).iterdir()
        unpacked.rename(target)
