"""What became of the lines."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Summary:
    """Counts of one replay. ``received`` is durable: acknowledged by the broker or by the API."""

    sent: int = 0
    received: int = 0
    ticks: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    finished: bool = False

    def text(self) -> str:
        """The summary as it is printed, one line, and one more where lines were refused."""
        rate = self.sent / self.seconds if self.seconds > 0 else 0.0
        ticks = f", {self.ticks} ticks" if self.ticks else ""
        lines = [
            f"sent {self.sent}, received {self.received}, refused {self.refused.total()}{ticks} "
            f"in {self.seconds:.1f} s ({rate:.0f} events/s)"
        ]
        if self.refused:
            reasons = sorted(self.refused.items(), key=lambda entry: (-entry[1], entry[0]))
            lines.append("refused: " + ", ".join(f"{reason} {count}" for reason, count in reasons))
        return "\n".join(lines)
