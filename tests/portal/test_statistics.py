"""The statistics of calls, as pages and as CSV."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.domain.histogram import bucket_of, stored
from msgcenter.store.apps.call_counts import Count, CountKey, add_counts
from tests.conftest import Credentials, Raw, wait_for
from tests.gateway.calls import envelope, text_to, until
from tests.portal.conftest import Visitor

ZONE = ZoneInfo("Asia/Shanghai")
SUCCESS, WRONG, UNKNOWN = "000000", "100003", "300001"


def counted(url: str, app_number: int, moment: str, api: str, ret_code: str, calls: int, seconds: float) -> None:
    """Store the calls of an hour, as a server process does."""
    at = datetime.fromisoformat(moment).replace(tzinfo=ZONE)
    starts = {1: at, 24: at.replace(hour=0)}
    ids = 50 * calls if api == "modMsgStatus" else 0
    messages = calls if (api, ret_code) == ("sendMsg", SUCCESS) else 0
    count = Count(calls, ids, messages, stored({bucket_of(seconds): calls}))

    async def add() -> None:
        async def write(connection: Connection) -> None:
            counts = [
                (CountKey(app_number, 24 if hours == 24 else 1, int(start.timestamp() * 1_000), api, ret_code), count)
                for hours, start in starts.items()
            ]
            await add_counts(connection, counts)

        async with Database(url, connections=2) as database:
            await database.in_autocommit(write)

    wait_for(add())


def text_of(html: str) -> str:
    """Return the text of a page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def row_of(html: str, name: str) -> list[str]:
    """Return the cells of the table row that begins with a name."""
    rows = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", html, re.DOTALL)
    ]
    return next(
        [text_of(cell).strip() for cell in cells] for cells in rows if cells and text_of(cells[0]).strip() == name
    )


@pytest.fixture
def history(shared_database: str, app: Credentials) -> str:
    """A past day on which the app made calls."""
    for moment, api, ret_code, calls, seconds in (
        ("2024-05-01T09:00", "sendMsg", SUCCESS, 1_200, 0.020),
        ("2024-05-01T09:00", "sendMsg", WRONG, 30, 0.001),
        ("2024-05-01T10:00", "sendMsg", SUCCESS, 100, 0.5),
        ("2024-05-01T23:00", "modMsgStatus", SUCCESS, 70, 0.004),
        ("2024-05-01T23:00", "modMsgStatus", UNKNOWN, 10, 0.004),
        ("2024-04-27T12:00", "getMsgList", SUCCESS, 5, 2.0),
    ):
        counted(shared_database, app.number, moment, api, ret_code, calls, seconds)
    return "2024-05-01"


def test_a_call_appears_within_seconds(developer: Visitor, raw: Raw, app: Credentials, user: str) -> None:
    sent = envelope(raw.post("sendMsg", text_to(user, requestId="once")))["msgId"]
    envelope(raw.post("sendMsg", text_to(user, requestId="once")))
    envelope(raw.post("modMsgStatus", {"publisherId": user, "msgId": [sent, "1", "2"]}))
    envelope(raw.post("modMsgStatus", {"publisherId": user, "msgId": "1"}))
    path = f"/apps/{app.app_id}/statistics"
    until(lambda: "modMsgStatus</a>" in developer.get(path).text and "100003" in developer.get(path).text)
    page = developer.get(path).text
    assert row_of(page, "sendMsg")[1:3] == ["2", "0"]
    assert row_of(page, "sendMsg")[-1] == "1", "a repeated request is one message"
    assert row_of(page, "modMsgStatus")[1:3] == ["2", "1"]
    assert row_of(page, "modMsgStatus")[-2] == "3"
    assert row_of(page, "oauth2/token")[1:3] == ["1", "0"]
    assert row_of(page, "100003")[2:] == ["1", "20.0 %"]


def test_a_day_is_shown_by_hour(developer: Visitor, app: Credentials, history: str) -> None:
    page = developer.get(f"/apps/{app.app_id}/statistics?until={history}").text
    assert row_of(page, "09:00") == ["09:00", "1,200", "30"]
    assert row_of(page, "11:00") == ["11:00", "0", "0"]
    assert row_of(page, "sendMsg")[1:3] == ["1,330", "30"]
    assert row_of(page, "modMsgStatus")[-2:] == ["4,000", "0"]
    assert row_of(page, UNKNOWN)[:3] == [UNKNOWN, "no such message", "10"]
    assert "getMsgList</a>" not in page
    text = text_of(page)
    assert "Calls: 1,410. Errors: 40." in text
    p50, p95 = (float(cell.removesuffix(" ms")) for cell in row_of(page, "sendMsg")[3:5])
    assert 19 <= p50 <= 21
    assert 475 <= p95 <= 525
    assert page.count('role="img"') == 4
    assert "style=" not in page
    assert "<script>" not in page


def test_a_week_and_a_month_are_shown(developer: Visitor, app: Credentials, history: str) -> None:
    path = f"/apps/{app.app_id}/statistics?until={history}"
    week = developer.get(f"{path}&range=week").text
    assert row_of(week, "05-01 06:00") == ["05-01 06:00", "1,300", "30"]
    assert row_of(week, "04-27 12:00") == ["04-27 12:00", "5", "0"]
    assert row_of(week, "getMsgList")[1] == "5"
    month = developer.get(f"{path}&range=month").text
    assert row_of(month, "05-01") == ["05-01", "1,370", "40"]
    assert row_of(month, "04-27") == ["04-27", "5", "0"]
    assert "2024-04-02 – 2024-05-01" in text_of(month)


def test_usage_can_be_filtered_by_api(developer: Visitor, app: Credentials, history: str) -> None:
    page = developer.get(f"/apps/{app.app_id}/statistics?until={history}&api=modMsgStatus").text
    assert "Calls: 80. Errors: 10." in text_of(page)
    assert row_of(page, "09:00") == ["09:00", "0", "0"]
    assert "sendMsg</a>" not in page
    assert re.search(r'<option value="modMsgStatus" selected>', page)


def test_an_app_without_calls_has_a_hint(developer: Visitor, app: Credentials) -> None:
    page = developer.get(f"/apps/{app.app_id}/statistics?until=2024-01-01&range=month")
    assert (page.status_code, "No calls in this period" in page.text) == (200, True)
    assert 'role="img"' not in page.text


@pytest.mark.parametrize("wrong", ["yesterday", "2026-02-30", "0001-01-01", "9999-12-31", "%00", "2026-11-27T10:00"])
def test_a_wrong_day_is_refused(developer: Visitor, operator: Visitor, app: Credentials, wrong: str) -> None:
    for visitor, path in ((developer, f"/apps/{app.app_id}/statistics"), (operator, "/operator/statistics")):
        answer = visitor.get(f"{path}?until={wrong}")
        if wrong == "%00":
            assert (answer.status_code, "U+0000" in answer.text) == (400, True)
        else:
            assert (answer.status_code, "2026-11-24" in answer.text) == (422, True)


def test_unknown_filters_are_ignored(developer: Visitor, app: Credentials, history: str) -> None:
    page = developer.get(f"/apps/{app.app_id}/statistics?until={history}&range=year&api=%3Cb%3E")
    assert (page.status_code, "<b>" in page.text) == (200, False)
    assert "No calls in this period" in page.text


# --- The file -------------------------------------------------------------------------------------------------------


def file_of(visitor: Visitor, path: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="statistics-[\w-]+\.csv"', answer.headers["content-disposition"])
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_file_has_every_hour_api_and_ret_code(developer: Visitor, app: Credentials, history: str) -> None:
    rows = file_of(developer, f"/apps/{app.app_id}/statistics.csv?range=week&until={history}")
    assert [(row["Hour (Asia/Shanghai)"], row["API"], row["retCode"], row["Calls"]) for row in rows] == [
        ("2024-04-27 12:00", "getMsgList", SUCCESS, "5"),
        ("2024-05-01 09:00", "sendMsg", SUCCESS, "1200"),
        ("2024-05-01 09:00", "sendMsg", WRONG, "30"),
        ("2024-05-01 10:00", "sendMsg", SUCCESS, "100"),
        ("2024-05-01 23:00", "modMsgStatus", SUCCESS, "70"),
        ("2024-05-01 23:00", "modMsgStatus", UNKNOWN, "10"),
    ]
    assert rows[1]["Messages sent"] == "1200"
    assert rows[4]["Status ids"] == "3500"
    assert rows[5]["Meaning"] == "no such message"
    assert 1_900 <= float(rows[0]["p95 (ms)"]) <= 2_100
    only = file_of(developer, f"/apps/{app.app_id}/statistics.csv?until={history}&api=modMsgStatus")
    assert {row["API"] for row in only} == {"modMsgStatus"}
    chinese = developer.request("GET", f"/apps/{app.app_id}/statistics.csv?until={history}&lang=zh").content.decode(
        "utf-8-sig"
    )
    assert chinese.startswith("时间")
    assert "消息不存在" in chinese


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
def test_no_name_becomes_a_formula(
    developer: Visitor, operator: Visitor, app: Credentials, history: str, name: str
) -> None:
    settings = f"/apps/{app.app_id}/settings"
    assert operator.post(f"/apps/{app.app_id}/face", page=settings, name=name, automatic="1").is_redirect
    rows = file_of(developer, f"/apps/{app.app_id}/statistics.csv?until={history}")
    assert {row["App"] for row in rows} == {f"'{name}"}
    for row in rows:
        assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())


def test_an_empty_export_has_its_header_line(developer: Visitor, app: Credentials) -> None:
    assert file_of(developer, f"/apps/{app.app_id}/statistics.csv?until=2024-01-01") == []


# --- Limits ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def limit(operator: Visitor, app: Credentials) -> Callable[..., int]:
    """Return a function that sets limits as an operator and returns the status."""

    def change(**fields: str) -> int:
        path = f"/operator/apps/{app.app_id}"
        return operator.post(f"{path}/limits", page=path, **fields).status_code

    return change


def test_the_meter_shows_the_use_of_a_quota(
    developer: Visitor, raw: Raw, app: Credentials, limit: Callable[..., int], user: str
) -> None:
    path = f"/apps/{app.app_id}/statistics"
    assert "no daily quota" in developer.get(path).text
    assert limit(quota="3") == 303
    sent = [envelope(raw.post("sendMsg", text_to(user)))["retCode"] for _ in range(2)]
    page = developer.get(path).text
    assert re.search(r'<meter [^>]*max="3"[^>]* value="2"', page)
    assert "Left today: 1." in page
    sent += [envelope(raw.post("sendMsg", text_to(user)))["retCode"] for _ in range(2)]
    assert sent == [SUCCESS, SUCCESS, SUCCESS, "400002"]
    assert "Used up" in developer.get(path).text


def test_the_shown_limits_are_in_effect(
    developer: Visitor, raw: Raw, app: Credentials, limit: Callable[..., int]
) -> None:
    fields: dict[str, str] = {"rate.sendMsg": "20", "rate.*": "1000"}
    assert limit(**fields) == 303
    text = text_of(developer.get(f"/apps/{app.app_id}/statistics").text)
    assert "Calls per second for each API: 1,000" in text
    assert "sendMsg per second: 20" in text
    for call, per_second in (("sendMsg", "20"), ("getMsgList", "1000")):
        assert raw.post(call, {}).headers["ratelimit-limit"] == per_second
        page = text_of(developer.get(f"/docs/{call}?app={app.app_id}").text)
        assert f"calls per second for each app: {per_second}" in page
    # Token calls are limited by address, for all apps alike; this server has no limit.
    token = text_of(developer.get(f"/docs/getAccessToken?app={app.app_id}").text)
    assert "calls per second" not in token


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"rate.sendMsg": "many"}, "must be a whole number"),
        ({"rate.sendMsg": "100001"}, "from 0 to 100000"),
        ({"quota": "-1"}, "must be a whole number"),
        ({"quota": "2000000001"}, "from 0 to 2000000000"),
    ],
)
def test_a_wrong_limit_is_explained_at_its_field(
    operator: Visitor, app: Credentials, fields: dict[str, str], error: str
) -> None:
    path = f"/operator/apps/{app.app_id}"
    answer = operator.post(f"{path}/limits", page=path, **fields)
    assert answer.status_code == 422
    assert re.search(rf'<p class="wrong"[^>]*>[^<]*{error}', answer.text), answer.text
    (typed,) = fields.values()
    assert f'value="{typed}"' in answer.text


# --- Operators ------------------------------------------------------------------------------------------------------


def test_operators_see_all_apps(
    operator: Visitor, shared_database: str, app: Credentials, raw: Raw, history: str
) -> None:
    counted(shared_database, 0, "2024-05-01T08:00", "sendMsg", "200002", 12, 0.001)
    page = operator.get(f"/operator/statistics?until={history}").text
    shown = re.search(rf'<a href="/portal/apps/{app.app_id}/statistics\?[^"]*until={history}', page)
    assert shown is not None
    row = text_of(page[shown.start() :].partition("</tr>")[0])
    assert "1,410 40 2.8 %" in row
    assert row_of(page, "Without a valid token")[1:3] == ["12", "12"]
    for order in ("errors", "p95", "nonsense"):
        assert operator.get(f"/operator/statistics?until={history}&range=week&by={order}").status_code == 200


def test_apps_are_ordered_as_requested(operator: Visitor, shared_database: str) -> None:
    day = datetime.now(ZONE) - timedelta(days=2_000)
    # Numbers without an app: a removed app still counts.
    for number, (calls, errors, seconds) in {
        900_001: (9, 0, 0.01),
        900_002: (5, 4, 0.02),
        900_003: (1, 1, 3.0),
    }.items():
        if calls - errors:
            counted(shared_database, number, f"{day:%Y-%m-%d}T05:00", "x", SUCCESS, calls - errors, seconds)
        if errors:
            counted(shared_database, number, f"{day:%Y-%m-%d}T05:00", "x", WRONG, errors, seconds)
    for order, expected in (("calls", ["9", "5", "1"]), ("errors", ["5", "1", "9"]), ("p95", ["1", "5", "9"])):
        page = operator.get(f"/operator/statistics?until={day:%Y-%m-%d}&by={order}").text
        table = page[page.index("Error rate") :].partition("</table>")[0]
        assert re.findall(r'</th>\s*<td class="right">([\d,]+)</td>', table) == expected
