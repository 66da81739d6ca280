"""`/metrics`: its places and access, its contents, and that any worker answers for all."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from msgcenter_client import Client
from tests.cli.program import Shell
from tests.conftest import Credentials, Raw, Server, new_app, running_server, wait_for

TOKEN = "a token that only the tests and their Prometheus know"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def scraped(url: str, token: str | None = None) -> Samples:
    """Return all samples by name and labels."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"{url}/metrics", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    samples: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, "each sample appears once"
            samples[key] = sample.value
    return samples


def total(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum over all other labels."""
    return sum(
        value
        for (sample, sample_labels), value in samples.items()
        if sample == name and labels.items() <= dict(sample_labels).items()
    )


def test_without_the_setting_there_are_no_metrics(server: Server, raw: Raw) -> None:
    answer = raw.http.get("/metrics")
    assert answer.status_code == 404
    assert "msgcenter_" not in answer.text


def test_with_a_token_the_main_port_serves_metrics(database_url: str, tmp_path: Path) -> None:
    app = wait_for(new_app(database_url))
    with running_server(database_url, tmp_path, METRICS_TOKEN=TOKEN) as server:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
            answer = httpx.get(f"{server.url}/metrics", headers=headers, trust_env=False)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "msgcenter_" not in answer.text
        assert httpx.post(f"{server.url}/metrics", trust_env=False).status_code == 405
        assert scraped(server.url, TOKEN)[("msgcenter_database_up", ())] == 1
        with Client(server.url, app.app_id, app.app_key) as client:
            ids = [client.send_text(["u-1", "u-2"], f"Message {number}") for number in range(5)]
            client.set_status("u-1", ids)
            family = {"sendeeId": "u-1", "msgType": "text", "text": {"content": "x"}}
            secret = {"client_id": app.app_id, "client_secret": app.app_key}
            form = {"grant_type": "client_credentials", **secret}
            token = httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False).json()["access_token"]
            url = f"{server.url}/eduopen/message/sendAppMsg?accessToken={token}"
            assert httpx.post(url, json=family, trust_env=False).json()["retCode"] == "000000"
        httpx.post(f"{server.url}/msgCenter/message/sendMsg", json={}, trust_env=False)
        samples = scraped(server.url, TOKEN)
    assert total(samples, "msgcenter_calls_total", api="sendMsg", ret_code="000000") == 5
    assert total(samples, "msgcenter_calls_total", api="sendMsg", ret_code="200001") == 1
    assert total(samples, "msgcenter_calls_total", api="sendAppMsg", ret_code="000000") == 1
    assert total(samples, "msgcenter_messages_total") == 6
    assert total(samples, "msgcenter_status_ids_total") == 5
    assert total(samples, "msgcenter_call_seconds_count", api="sendMsg") == 6
    assert total(samples, "msgcenter_call_seconds_bucket", api="sendMsg", le="+Inf") == 6
    assert 0 < total(samples, "msgcenter_call_seconds_sum", api="sendMsg") < 60
    assert total(samples, "msgcenter_workers") == 1
    assert total(samples, "msgcenter_process_resident_memory_bytes") > 10_000_000
    assert total(samples, "msgcenter_database_pool_connections") >= 1
    assert {dict(labels)["state"] for name, labels in samples if name == "msgcenter_jobs"} == {
        "waiting", "running", "held",
    }  # fmt: skip
    for name, labels in samples:
        assert name.startswith("msgcenter_")
        assert app.app_id not in str(labels), "no label has a value for each app"
        assert "u-1" not in str(labels)


def test_the_metrics_port_serves_metrics_only(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with running_server(database_url, tmp_path, METRICS_PORT=str(port)) as server:
        own = f"http://127.0.0.1:{port}"
        assert scraped(own)[("msgcenter_database_up", ())] == 1
        for path in ("/", "/portal/login", "/healthz", "/msgCenter/message/sendMsg", "/metrics/"):
            assert httpx.get(own + path, trust_env=False).status_code == 404
        assert httpx.get(f"{server.url}/metrics", trust_env=False).status_code == 404
        assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
        forged = httpx.get(f"{server.url}/metrics", headers={"host": f"127.0.0.1:{port}"}, trust_env=False)
        assert forged.status_code == 404
        headers = {"accept": "application/openmetrics-text; version=1.0.0"}
        assert httpx.get(f"{own}/metrics", headers=headers, trust_env=False).text.endswith("# EOF\n")


def test_a_metrics_port_in_use_is_reported_in_one_line(database_url: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        outcome = Shell(database_url, tmp_path, METRICS_PORT=port).run("serve", "--port", "0")
    assert outcome.code == 1
    assert f"MSGCENTER_METRICS_PORT: cannot listen on port {port} of 127.0.0.1" in outcome.err
    assert "Traceback" not in outcome.err


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.1)


@pytest.mark.kill
def test_any_of_several_workers_answers_for_all(database_url: str, tmp_path: Path) -> None:
    app: Credentials = wait_for(new_app(database_url))
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    settings = {"METRICS_PORT": str(port), "METRICS_TOKEN": TOKEN}
    with running_server(database_url, tmp_path, "--workers", "2", **settings) as server:
        until(lambda: total(scraped(own, TOKEN), "msgcenter_workers") == 2)
        for number in range(40):  # on separate connections, so that both workers get some
            with Client(server.url, app.app_id, app.app_key) as client:
                client.send_text(["u"], f"Message {number}")
        scrapes = [scraped(url, TOKEN) for url in [own, server.url] * 5]
        for samples in scrapes:
            assert total(samples, "msgcenter_messages_total") == 40, "any worker answers for both"
            assert {dict(labels)["worker"] for name, labels in samples if name == "msgcenter_messages_total"} == {
                "0", "1",
            }  # fmt: skip

        children = psutil.Process(server.process.pid).children()
        worker = next(child for child in children if "spawn_main" in " ".join(child.cmdline()))
        worker.kill()
        until(
            lambda: (
                total(scraped(own, TOKEN), "msgcenter_workers") == 2
                and not psutil.pid_exists(worker.pid)
                and total(scraped(own, TOKEN), "msgcenter_messages_total") < 40
            )
        )
        labels = {dict(labels)["worker"] for name, labels in scraped(own, TOKEN) if name == "msgcenter_messages_total"}
        assert labels == {"0", "1"}, "the new worker takes the number of the dead one and counts from 0"
    assert "Traceback" not in "".join(server.output)
