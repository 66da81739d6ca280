"""Programs that make a call, in five languages, with nothing but what each language brings along."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Program(NamedTuple):
    """A program. `file` is what to save it as, `run` how to run it there."""

    language: str
    file: str
    run: str
    text: str


def programs(server: str, path: str, body: dict[str, Any]) -> list[Program]:
    """Return programs that get a token with MSGCENTER_APP_ID and MSGCENTER_APP_KEY, and then make a call.

    A call for the token itself is the first half of each.
    """
    is_token = path.startswith("/apigateway/")
    makers: tuple[tuple[str, str, str, Callable[[str, str, dict[str, Any]], str]], ...] = (
        ("curl", "call.sh", "bash call.sh", _curl),
        ("Python", "call.py", "python3 call.py", _python),
        ("Java", "Call.java", "java Call.java", _java),
        ("JavaScript", "call.mjs", "node call.mjs", _javascript),
        ("PHP", "call.php", "php call.php", _php),
    )
    return [
        Program(language, file, run, make(server, "" if is_token else path, body) + "\n")
        for language, file, run, make in makers
    ]


def _curl(server: str, path: str, body: dict[str, Any]) -> str:
    start = f"""#!/usr/bin/env bash
# Needs curl and openssl.
SERVER="{server}"
TIME_STAMP=$(date +%s000)
KEY_INFO=$(printf %s "$MSGCENTER_APP_ID$MSGCENTER_APP_KEY$TIME_STAMP" |
  openssl dgst -sha256 -hmac "$MSGCENTER_APP_KEY" | sed "s/.*= *//" | tr a-f A-F)

ANSWER=$(curl -sS "$SERVER/apigateway/getAccessToken" -H "Content-Type: application/json" -d "{{
  \\"appId\\": \\"$MSGCENTER_APP_ID\\", \\"timeStamp\\": $TIME_STAMP, \\"keyInfo\\": \\"$KEY_INFO\\"}}")
"""
    if not path:
        return start + 'echo "$ANSWER"'
    quoted = _json(body).replace("'", "'\\''")
    return (
        start
        + f"""TOKEN=$(printf %s "$ANSWER" | sed -n 's/.*"accessToken":"\\([0-9a-f]*\\)".*/\\1/p')
[ -n "$TOKEN" ] || {{ echo "$ANSWER" >&2; exit 1; }}

curl -sS "$SERVER{path}?accessToken=$TOKEN" -H "Content-Type: application/json" -d '{quoted}'"""
    )


def _python(server: str, path: str, body: dict[str, Any]) -> str:
    start = f'''import hmac
import json
import os
import time
from urllib.request import Request, urlopen

SERVER = "{server}"
APP_ID = os.environ["MSGCENTER_APP_ID"]
APP_KEY = os.environ["MSGCENTER_APP_KEY"]


def call(path: str, body: dict) -> dict:
    request = Request(SERVER + path, json.dumps(body).encode(), {{"Content-Type": "application/json"}})
    with urlopen(request, timeout=10) as response:
        answer = json.load(response)
    if answer["retCode"] != "000000":
        raise SystemExit(f"{{answer['retCode']}} {{answer['retDesc']}}")
    return answer


time_stamp = time.time_ns() // 1_000_000
signed = f"{{APP_ID}}{{APP_KEY}}{{time_stamp}}"
key_info = hmac.new(APP_KEY.encode(), signed.encode(), "sha256").hexdigest().upper()
answer = call("/apigateway/getAccessToken", {{"appId": APP_ID, "timeStamp": time_stamp, "keyInfo": key_info}})
'''
    if not path:
        return start + "print(json.dumps(answer, indent=2, ensure_ascii=False))"
    return (
        start
        + f"""token = answer["tokenInfo"]["accessToken"]

body = {_python_literal(body)}
answer = call(f"{path}?accessToken={{token}}", body)
print(json.dumps(answer, indent=2, ensure_ascii=False))"""
    )


def _java(server: str, path: str, body: dict[str, Any]) -> str:
    last = "System.out.println(answer);"
    if path:
        text = _json(body).replace("\\", "\\\\").replace("\n", "\n" + " " * 12)
        last = f'''String token = answer.replaceAll("(?s).*\\"accessToken\\":\\"([0-9a-f]+)\\".*", "$1");

        String body = """
            {text}
            """;
        System.out.println(call("{path}?accessToken=" + token, body));'''
    return f'''import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Needs Java 17 or newer, and no library. */
public class Call {{
    private static final String SERVER = "{server}";
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static String call(String path, String body) throws Exception {{
        HttpRequest request = HttpRequest.newBuilder(URI.create(SERVER + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        String answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body();
        if (!answer.startsWith("{{\\"retCode\\":\\"000000\\"")) {{
            throw new IllegalStateException(answer);
        }}
        return answer;
    }}

    public static void main(String[] arguments) throws Exception {{
        String appId = System.getenv("MSGCENTER_APP_ID");
        String appKey = System.getenv("MSGCENTER_APP_KEY");
        long timeStamp = System.currentTimeMillis();

        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(appKey.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        byte[] signed = mac.doFinal((appId + appKey + timeStamp).getBytes(StandardCharsets.UTF_8));
        String keyInfo = HexFormat.of().withUpperCase().formatHex(signed);

        String answer = call("/apigateway/getAccessToken", String.format(
            "{{\\"appId\\":\\"%s\\",\\"timeStamp\\":%d,\\"keyInfo\\":\\"%s\\"}}", appId, timeStamp, keyInfo));
        {last}
    }}
}}'''


def _javascript(server: str, path: str, body: dict[str, Any]) -> str:
    start = f'''// Needs Node.js 18 or newer, and no package.
import {{ createHmac }} from "node:crypto";

const server = "{server}";
const {{ MSGCENTER_APP_ID: appId, MSGCENTER_APP_KEY: appKey }} = process.env;

async function call(path, body) {{
  const response = await fetch(server + path, {{
    method: "POST",
    headers: {{ "Content-Type": "application/json" }},
    body: JSON.stringify(body),
  }});
  const answer = await response.json();
  if (answer.retCode !== "000000") throw new Error(`${{answer.retCode}} ${{answer.retDesc}}`);
  return answer;
}}

const timeStamp = Date.now();
const signed = `${{appId}}${{appKey}}${{timeStamp}}`;
const keyInfo = createHmac("sha256", appKey).update(signed).digest("hex").toUpperCase();
const {{ tokenInfo }} = await call("/apigateway/getAccessToken", {{ appId, timeStamp, keyInfo }});
'''
    if not path:
        return start + "console.log(JSON.stringify({ tokenInfo }, null, 2));"
    return (
        start
        + f"""
const body = {_json(body)};
const answer = await call(`{path}?accessToken=${{tokenInfo.accessToken}}`, body);
console.log(JSON.stringify(answer, null, 2));"""
    )


def _php(server: str, path: str, body: dict[str, Any]) -> str:
    start = f"""<?php
// Needs PHP 8 or newer, and no extension.
$server = '{server}';
$appId = getenv('MSGCENTER_APP_ID');
$appKey = getenv('MSGCENTER_APP_KEY');

function call(string $url, array $body): array
{{
    $answer = file_get_contents($url, false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => 'Content-Type: application/json',
        'content' => json_encode($body ?: new stdClass()),
        'timeout' => 10,
    ]]));
    $answer = json_decode($answer, true);
    if ($answer['retCode'] !== '000000') {{
        exit("{{$answer['retCode']}} {{$answer['retDesc']}}\\n");
    }}
    return $answer;
}}

$timeStamp = (int) (microtime(true) * 1000);
$keyInfo = strtoupper(hash_hmac('sha256', $appId . $appKey . $timeStamp, $appKey));
$answer = call("$server/apigateway/getAccessToken", [
    'appId' => $appId,
    'timeStamp' => $timeStamp,
    'keyInfo' => $keyInfo,
]);
"""
    show = "echo json_encode($answer, JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE), PHP_EOL;"
    if not path:
        return start + show
    return (
        start
        + f"""$token = $answer['tokenInfo']['accessToken'];

$body = {_php_literal(body)};
$answer = call("$server{path}?accessToken=$token", $body);
{show}"""
    )


# --- Values in each language ----------------------------------------------------------------------------------------


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _python_literal(value: object, margin: str = "") -> str:
    deeper = margin + "    "
    if isinstance(value, dict) and value:
        rows = [f"{deeper}{_python_literal(name)}: {_python_literal(item, deeper)},\n" for name, item in value.items()]
        return "{\n" + "".join(rows) + margin + "}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "[\n" + "".join(f"{deeper}{_python_literal(item, deeper)},\n" for item in value) + margin + "]"
    if isinstance(value, list):
        return f"[{', '.join(map(_python_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _php_literal(value: object, margin: str = "") -> str:
    deeper = margin + "    "
    if isinstance(value, dict) and value:
        rows = [f"{deeper}{_php_literal(name)} => {_php_literal(item, deeper)},\n" for name, item in value.items()]
        return "[\n" + "".join(rows) + margin + "]"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "[\n" + "".join(f"{deeper}{_php_literal(item, deeper)},\n" for item in value) + margin + "]"
    if isinstance(value, dict | list):
        return f"[{', '.join(map(_php_literal, value))}]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)
