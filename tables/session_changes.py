"""What became of the viewers of a partition since the last cut of a checkpoint."""

from tables.saved_sessions import SessionWriter
from tables.sessions import Session


class SessionChanges:
    """Viewers that changed, and the cut that is under way.

    A cut has the viewers as they were when it was begun, and is written a little at a time. So
    whoever changes or forgets a viewer says so first: one that the cut still waits for is written
    then and there.
    """

    __slots__ = ("touched", "writer")

    def __init__(self) -> None:
        self.touched: list[Session] = []
        """Viewers that changed since the cut was begun."""
        self.writer = SessionWriter(0)
        """Of the cut that was begun last."""

    def before(self, session: Session) -> None:
        """A viewer is about to change, or to be forgotten."""
        if session.unwritten:
            self.writer.add(session)

    def touch(self, session: Session) -> None:
        """A viewer is about to change: the next cut has to have it."""
        if session.unwritten:
            self.before(session)
        if not session.touched:
            session.touched = True
            self.touched.append(session)
