"""The exceptions of playvitals. Expected failures of an event are values, not exceptions."""


class PlayvitalsError(Exception):
    """Root of every exception that playvitals raises on purpose."""


class OperatorError(PlayvitalsError):
    """Something only an operator can put right.

    The message is one line that says what happened and what to do; commands print it on
    standard error and exit with 1.
    """


class SettingsError(OperatorError):
    """An environment variable has a value that cannot be used. Commands exit with 2."""


class BrokerUnavailableError(PlayvitalsError):
    """The broker did not acknowledge a write in time. Sending again is safe."""
