"""What a benchmark ran on."""

import os
import platform


def machine() -> dict[str, int | str | None]:
    """Facts to compare figures by."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
