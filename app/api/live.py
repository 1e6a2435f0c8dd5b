"""The endpoints of the live figures."""

from importlib.metadata import version

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.admission import Admission
from app.api.errors import unavailable
from app.api.keys import Scope
from app.api.responses import request_id_of
from app.api.routes import labelled
from app.api.selection import Selections
from app.live.feeds import LiveFeeds
from app.live.frames import Frames
from app.live.stream import STREAM_HEADERS, LiveStream
from app.settings import Settings
from app.topic_reader import STALE_SECONDS

QUALITY = "/v1/quality"
STREAM = "/live/stream"


class LiveEndpoints:
    """The handlers of the live figures, with what they share."""

    def __init__(self, settings: Settings, admission: Admission, feeds: LiveFeeds) -> None:
        self._admission = admission
        self._feeds = feeds
        self._selections = Selections(settings)
        windows = [window.label for window in settings.windows]
        self._frames = Frames(
            feeds,
            windows,
            {
                "windows": windows,
                "dimensions": list(settings.dimensions),
                "environment": settings.environment,
                "version": version("playvitals"),
            },
        )

    def routes(self) -> list[Route]:
        """The routes of the live figures."""
        table = ((QUALITY, self.quality), (STREAM, self.stream))
        return [Route(path, labelled(path, do), methods=["GET"]) for path, do in table]

    async def quality(self, request: Request) -> Response:
        """``GET /v1/quality``: the newest records of a window and dimension."""
        self._admission.admit(request, Scope.READ)
        selection = self._selections.read(request.query_params)
        self._require_current()
        windows = self._feeds.windows
        body = {
            # As they came: they have the shape of this answer already.
            "data": [msgspec.Raw(found.json) for found in windows.slices(selection)],
            "meta": {"requestId": request_id_of(request), "clock": windows.clock},
        }
        return Response(msgspec.json.encode(body), media_type="application/json")

    async def stream(self, request: Request) -> Response:
        """``GET /live/stream``: what the live page shows, as server-sent events."""
        self._admission.admit_reader(request)
        selection = self._selections.read(request.query_params)
        if request.method == "HEAD":
            return Response(headers=STREAM_HEADERS)
        streams = self._feeds.streams
        if not streams.enter():
            raise unavailable(
                "as many live streams are open as PLAYVITALS_LIVE_STREAMS allows, or the API is "
                "about to end; try again soon"
            )
        request.scope["playvitals.endless"] = True
        return LiveStream(streams, self._frames, selection)

    def _require_current(self) -> None:
        reader = self._feeds.windows_reader
        if not reader.caught_up:
            raise unavailable("the figures were not read from the broker yet")
        if not reader.is_current():
            raise unavailable(
                f"the broker did not answer for {STALE_SECONDS:.0f} s, so the figures may be old"
            )
