"""The consumer that folds, as far as it can be told without a broker."""
# ruff: noqa: SLF001 - what Faust makes is nowhere else to be seen

from typing import Any

import pytest

from agents.folding import FETCH_WAIT_MS, FoldingApp


@pytest.mark.asyncio
async def test_no_broker_may_hold_back_an_answer_for_long() -> None:
    app = FoldingApp("test", broker="kafka://127.0.0.1:1", web_enabled=False)
    consumer: Any = app._new_consumer()
    thread = consumer._own_thread
    client = thread._create_worker_consumer(app.transport)
    wait_ms = client._fetch_max_wait_ms
    await client.stop()
    thread.thread_loop.close()
    assert wait_ms == FETCH_WAIT_MS == 100
