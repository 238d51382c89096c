"""A secret key for a project that runs on a machine of its own, without one in the code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.management.utils import get_random_secret_key

if TYPE_CHECKING:
    from pathlib import Path


def local_secret_key(path: Path) -> str:
    """Read the key in the file at `path`, making file and key on the first call.

    The file is readable by its owner alone. Deployments set DJANGO_SECRET_KEY instead.
    """
    try:
        # O_EXCL lets one of several starting processes make the file; the others read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        key = get_random_secret_key()
        file.write(key)
    return key
