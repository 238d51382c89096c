"""A secret key for a project that runs on a machine of its own, without one in the code."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.management.utils import get_random_secret_key


def local_secret_key(path: Path) -> str:
    """Read the key in the file at `path`, making file and key on the first call.

    The file is readable by its owner alone. Deployments set DJANGO_SECRET_KEY instead.
    """
    if not path.exists():
        _write(path, get_random_secret_key())
    return path.read_text(encoding="ascii")


def _write(path: Path, key: str) -> None:
    """Put a file with the key in place; of several processes that start at once, one wins."""
    with NamedTemporaryFile("w", encoding="ascii", dir=path.parent) as file:
        file.write(key)
        file.flush()
        # A link appears with its content, so that nobody reads half a key.
        with suppress(FileExistsError):
            os.link(file.name, path)
