"""``playvitals api``: the HTTP API alone."""

import click

from app.commands.common import check_core, read_settings


@click.command()
def api() -> None:
    """Run the events API alone.

    It listens on PLAYVITALS_API_ADDRESS (127.0.0.1:8080) and writes events to the Kafka of
    PLAYVITALS_KAFKA. Run as many as you like behind a load balancer.

    \b
    Example:
      PLAYVITALS_KAFKA=localhost:9092 PLAYVITALS_API_KEYS=pk_live_abc playvitals api
    """
    settings = read_settings()
    check_core()
    from app.api.serving import run_api
    from app.runtime import tune_runtime

    # It holds next to nothing.
    tune_runtime(huge_pages=False)
    run_api(settings)
