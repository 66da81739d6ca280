"""The promises of a report: what counts as reached."""

from bench.disk import Growth
from bench.parts import PRODUCT
from bench.report import Figures, Promise, Report, promises
from bench.steps import Result


def figures(*rounds: tuple[float, float, float]) -> Figures:
    """Return a step's figures; each round has calls per second, p50 and p99 in ms."""
    results = [Result(per_second, p50_ms, p99_ms, 500.0, 100.0, 0.1) for per_second, p50_ms, p99_ms in rounds]
    return Figures("a step", results[0], results)


def promise(figure: str, **steps: Figures) -> Promise:
    report = Report({}, {}, steps, Growth(1, [], 0, 0), None, {PRODUCT: [100.0]}, [])
    return next(promise for promise in promises(report) if promise.figure == figure)


def test_a_rate_of_another_is_the_median_of_the_rounds_ratios() -> None:
    no_op = figures((1_000, 1, 1), (2_000, 1, 1), (4_000, 1, 1))
    mark = figures((500, 1, 1), (1_300, 1, 1), (2_800, 1, 1))
    measured = promise("modMsgStatus, 50 ids, of the no-op", a=no_op, b=mark)
    assert measured == Promise("modMsgStatus, 50 ids, of the no-op", "≥ 60%", "65%", True)


def test_a_figure_that_was_not_measured_is_neither_reached_nor_missed() -> None:
    measured = promise("status changes, × the peer", a=figures((1_000, 1, 1)), j=figures((500, 1, 1)))
    assert (measured.measured, measured.reached) == ("–", None)


def test_a_server_that_falls_behind_at_a_fixed_rate_does_not_keep_its_promise() -> None:
    figure = "p99 of the p50, at 70 % of the highest rate"
    saturated = figures((2_000, 25, 60))
    assert promise(figure, b=saturated, p=figures((1_400, 5, 18))).reached
    assert promise(figure, b=saturated, p=figures((1_400, 5, 21))).reached is False
    assert promise(figure, b=saturated, p=figures((1_400, 1_040, 1_083))).reached is False
