"""Writes answered calls to the log."""

from msgcenter.gateway.call_record import CallRecord, Observer
from msgcenter.web.logs import RequestLog


def logs_calls(requests: RequestLog) -> Observer:
    """Return an observer that logs each call, or only slow calls, as `requests` says."""

    def observe(call: CallRecord) -> None:
        requests.answered(
            call.seconds,
            api=call.api,
            ret_code=call.ret_code,
            app=call.app.app_id if call.app else None,
            request_id=call.request_id.decode(),
        )

    return observe
