"""Which window and dimension a request is about."""

from collections.abc import Mapping

from app.api.errors import invalid_request
from app.live.windows_feed import Selection
from app.settings import Settings
from models.dimensions import ALL

PREFERRED_DIMENSION = "rendition"


class Selections:
    """The windows and dimensions of a deployment."""

    def __init__(self, settings: Settings) -> None:
        self._windows = [window.label for window in settings.windows]
        self._dimensions = [ALL, *settings.dimensions]
        breakdowns = self._dimensions[1:] or self._dimensions
        preferred = PREFERRED_DIMENSION in breakdowns
        self.default = Selection(
            self._windows[:2][-1], PREFERRED_DIMENSION if preferred else breakdowns[0]
        )
        """The second window, or the only one; and ``rendition``, or the first dimension."""

    def read(self, query: Mapping[str, str]) -> Selection:
        """The selection that the parameters ``window`` and ``dimension`` name.

        Raises:
            ApiError: 400, one of them is not known.
        """
        window = query.get("window", self.default.window)
        dimension = query.get("dimension", self.default.dimension)
        if window not in self._windows:
            raise invalid_request(
                f"window: there is no {window[:80]!r}; known are {', '.join(self._windows)}"
            )
        if dimension not in self._dimensions:
            raise invalid_request(
                f"dimension: there is no {dimension[:80]!r}; "
                f"known are {', '.join(self._dimensions)}"
            )
        return Selection(window, dimension)
