"""Waiting for futures until their deadlines."""

import asyncio

import pytest

from app.api.patience import Patience

SHORT_SECONDS = 0.05
LONG_SECONDS = 10.0


def new_future() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


def after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_what_is_done_in_time_is_returned_or_raised() -> None:
    patience = Patience()
    done, failed = new_future(), new_future()
    waits = [patience.wait(future, after(LONG_SECONDS)) for future in (done, failed)]
    asyncio.get_running_loop().call_soon(done.set_result, None)
    asyncio.get_running_loop().call_soon(failed.set_exception, OSError("gone"))
    first, second = await asyncio.gather(*waits, return_exceptions=True)
    assert first is None
    assert isinstance(second, OSError)


async def test_what_is_late_is_given_up_each_at_its_own_deadline() -> None:
    patience = Patience()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    patient = asyncio.create_task(patience.wait(new_future(), after(LONG_SECONDS)))
    await asyncio.sleep(0)
    ended = []

    async def wait(seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await patience.wait(new_future(), after(seconds))
        ended.append(seconds)
        assert seconds <= loop.time() - begin + 0.002

    # Not in the order of their deadlines: the first two set the timer, the third does not.
    await asyncio.gather(*(wait(n * SHORT_SECONDS) for n in (3, 1, 2)))
    assert ended == [n * SHORT_SECONDS for n in (1, 2, 3)]
    assert not patient.done()
    patient.cancel()


async def test_deadline_that_has_passed_gives_up_at_once() -> None:
    async with asyncio.timeout(LONG_SECONDS):
        with pytest.raises(TimeoutError):
            await Patience().wait(new_future(), after(-1.0))


async def test_wait_that_is_cancelled_leaves_the_others_alone() -> None:
    patience = Patience()
    future = new_future()
    other = asyncio.create_task(patience.wait(future, after(LONG_SECONDS)))
    given_up = asyncio.create_task(patience.wait(new_future(), after(SHORT_SECONDS)))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(2 * SHORT_SECONDS)
    assert given_up.cancelled()
    future.set_result(None)
    await other
