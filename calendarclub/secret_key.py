"""A secret key for a local project, in a file instead of in the code."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.management.utils import get_random_secret_key


def local_secret_key(path: Path) -> str:
    """Return the key in the file at `path`. The first call creates both.

    Only its owner can read the file. Deployments set DJANGO_SECRET_KEY instead.
    """
    if not path.exists():
        _write(path, get_random_secret_key())
    return path.read_text(encoding="ascii")


def _write(path: Path, key: str) -> None:
    """Create the file, unless another process has just done so."""
    with NamedTemporaryFile("w", encoding="ascii", dir=path.parent) as file:
        file.write(key)
        file.flush()
        # A link appears with its whole content, so no process reads half a key.
        with suppress(FileExistsError):
            os.link(file.name, path)
