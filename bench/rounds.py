"""Measure steps in turn, round after round: what slows a round on a noisy machine slows all steps alike."""

from collections.abc import Callable
from statistics import median

from bench.api import must_succeed
from bench.databases import Postgres
from bench.load import run
from bench.load_client import Plan
from bench.options import Options
from bench.steps import COUNTED, SHARE_OF_HIGHEST, UNCOUNTED, Result, Step


async def measure(steps: list[Step], postgres: Postgres, options: Options, report: Callable[[str], None]) -> None:
    """Measure every step once per round and add the results to the steps."""
    for number in range(1, options.rounds + 1):
        for step in _in_turn(steps, number):
            result = await _measure(step, step.postgres or postgres, options)
            step.results.append(result)
            report(f"round {number} of {options.rounds}: ({step.key}) {step.title}: {result.per_second:,.0f}/s")


def _in_turn(steps: list[Step], number: int) -> list[Step]:
    """Alternate the order of the two twin steps, because the order has a small effect."""
    turn = {COUNTED: number % 2, UNCOUNTED: 1 - number % 2}
    twins = sorted((step for step in steps if step.key in turn), key=lambda step: turn[step.key])
    return [step for step in steps if step.key not in turn] + twins


async def _measure(step: Step, postgres: Postgres, options: Options) -> Result:
    await postgres.checkpoint()
    server = step.server
    wal_before, processor_before = await postgres.wal_position(), server.processor_seconds()
    outcome = await run(
        Plan(
            host=server.host,
            port=server.port,
            requests=step.requests,
            connections=step.connections or options.connections,
            expect=step.expect,
            start=step.sent,
            warm_up=options.warm_up,
            seconds=options.seconds,
            rate=None if step.paced_by is None else SHARE_OF_HIGHEST * step.paced_by.results[-1].per_second,
            numbered=step.numbered,
        )
    )
    wal = await postgres.wal_position() - wal_before
    processor = server.processor_seconds() - processor_before
    step.sent += outcome.sent
    must_succeed(outcome)
    return Result(
        per_second=outcome.counted / outcome.seconds,
        p50_ms=outcome.p50_ms,
        p99_ms=outcome.p99_ms,
        wal_bytes_per_call=wal / outcome.sent,
        server_us_per_call=processor / outcome.sent * 1e6,
        client_busy=outcome.busy,
    )


def typical(results: list[Result]) -> Result:
    """Return the median of each figure."""
    return Result(
        per_second=median(result.per_second for result in results),
        p50_ms=median(result.p50_ms for result in results),
        p99_ms=median(result.p99_ms for result in results),
        wal_bytes_per_call=median(result.wal_bytes_per_call for result in results),
        server_us_per_call=median(result.server_us_per_call for result in results),
        client_busy=median(result.client_busy for result in results),
    )
