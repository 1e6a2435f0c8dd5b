"""What every subcommand does first."""

import logging
from collections.abc import Mapping

import click

from app.compiled_core import require_current_core
from app.logs import set_up_logging
from app.settings import Settings, load_settings

log = logging.getLogger(__name__)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, set up logging, and warn about variables that are no setting.

    Raises:
        SettingsError: a variable has an unusable value.
    """
    settings = load_settings(environ)
    set_up_logging(settings.log_level)
    for name in settings.unknown_variables:
        click.echo(
            f"playvitals: warning: {name} is no setting and has no effect; "
            "docs/configuration.md lists the settings",
            err=True,
        )
    return settings


def check_core() -> None:
    """Tell in the log whether the core is compiled.

    Raises:
        OperatorError: it is compiled from other sources.
    """
    log.info("the core runs %s", require_current_core())
