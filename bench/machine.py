"""What a benchmark ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("aiokafka", "bytewax", "confluent-kafka", "faust-streaming", "granian", "msgspec", "numpy"),
    *("orjson", "quixstreams", "rocksdict", "uvloop"),
)

_CPU_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, object]:
    """Facts to compare figures by."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.platform(),
        "broker": "Kafka" if os.environ.get("PLAYVITALS_KAFKA") else "embedded broker",
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def described(facts: dict[str, object]) -> str:
    """A line for people."""
    return (
        f"{facts['cores']} cores of {facts['cpu']}, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}, {facts['broker']}"
    )


def _cpu() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
