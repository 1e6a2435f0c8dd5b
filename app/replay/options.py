"""Types of the command line's options."""

import re
from typing import Any

import click

_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([0-9]{1,6})([smh]?)")
_MOST_SECONDS = 48 * 3600


class Duration(click.ParamType):
    """A length of time such as ``90s``, ``20m`` or ``1h``, as whole seconds up to 48 h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds; a usage error where ``value`` is no such length."""
        match = _DURATION.fullmatch(str(value))
        seconds = int(match[1]) * _UNIT_SECONDS[match[2]] if match else -1
        if not 0 <= seconds <= _MOST_SECONDS:
            self.fail(f"{value!r}: expected a length of time such as 90s, 20m or 1h", param, ctx)
        return seconds


class Speed(click.ParamType):
    """A multiple of real time."""

    name = "multiple"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The multiple; a usage error where ``value`` is none."""
        try:
            speed = float(str(value).removesuffix("x"))
        except ValueError:
            speed = 0.0
        if not 0.001 <= speed <= 1_000_000:
            self.fail(
                f"{value!r}: expected a multiple of real time such as 1, 10 or 0.5", param, ctx
            )
        return speed
