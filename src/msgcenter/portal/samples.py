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
    makers: tuple[tuple[str, str, str, Callable[[str, str, str], str]], ...] = (
        ("curl", "call.sh", "bash call.sh", _curl),
        ("Python", "call.py", "python3 call.py", _python),
        ("Java", "Call.java", "java Call.java", _java),
        ("JavaScript", "call.mjs", "node call.mjs", _javascript),
        ("PHP", "call.php", "php call.php", _php),
    )
    text = json.dumps(body, ensure_ascii=False, indent=2)
    return [
        Program(language, file, run, make(server, "" if is_token else path, text) + "\n")
        for language, file, run, make in makers
    ]


def _curl(server: str, path: str, body: str) -> str:
    lines = [
        "# Needs bash, curl and openssl.",
        f"SERVER={server}",
        "TIME_STAMP=$(date +%s000)",
        'KEY_INFO=$(printf %s "$MSGCENTER_APP_ID$MSGCENTER_APP_KEY$TIME_STAMP" |',
        '  openssl dgst -sha256 -hmac "$MSGCENTER_APP_KEY" | sed "s/.*= *//" | tr a-f A-F)',
        'ANSWER=$(curl -s "$SERVER/apigateway/getAccessToken" -H "Content-Type: application/json" -d "{',
        '  \\"appId\\": \\"$MSGCENTER_APP_ID\\", \\"timeStamp\\": $TIME_STAMP, \\"keyInfo\\": \\"$KEY_INFO\\"}")',
    ]
    if not path:
        return "\n".join([*lines, 'echo "$ANSWER"'])
    quoted = body.replace("'", "'\\''")
    return "\n".join(
        [
            *lines,
            'TOKEN=$(printf %s "$ANSWER" | sed \'s/.*"accessToken":"\\([0-9a-f]*\\)".*/\\1/\')',
            "",
            f'curl -s "$SERVER{path}?accessToken=$TOKEN" -H "Content-Type: application/json" -d \'{quoted}\'',
        ]
    )


def _python(server: str, path: str, body: str) -> str:
    start = f'''import hmac
import json
import os
import time
import urllib.request

SERVER = "{server}"
APP_ID, APP_KEY = os.environ["MSGCENTER_APP_ID"], os.environ["MSGCENTER_APP_KEY"]


def call(path, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, {{"Content-Type": "application/json"}})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


time_stamp = str(time.time_ns() // 1_000_000)
key_info = hmac.new(APP_KEY.encode(), (APP_ID + APP_KEY + time_stamp).encode(), "sha256").hexdigest().upper()
answer = call("/apigateway/getAccessToken", {{"appId": APP_ID, "timeStamp": time_stamp, "keyInfo": key_info}})
'''
    if not path:
        return start + "print(answer)"
    return (
        start
        + f'''token = answer["tokenInfo"]["accessToken"]

body = json.loads("""
{_escaped_backslashes(body)}
""")
print(call("{path}?accessToken=" + token, body))'''
    )


def _java(server: str, path: str, body: str) -> str:
    last = (
        "System.out.println(answer);"
        if not path
        else f'''String token = answer.replaceAll("(?s).*\\"accessToken\\":\\"([0-9a-f]+)\\".*", "$1");

        System.out.println(call("{path}?accessToken=" + token, """
            {_escaped_backslashes(body).replace(chr(10), chr(10) + " " * 12)}
            """));'''
    )
    return f'''import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Java 17 or newer. */
public class Call {{
    static final String SERVER = "{server}";

    static String call(String path, String body) throws Exception {{
        HttpRequest request = HttpRequest.newBuilder(URI.create(SERVER + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }}

    public static void main(String[] arguments) throws Exception {{
        String appId = System.getenv("MSGCENTER_APP_ID");
        String appKey = System.getenv("MSGCENTER_APP_KEY");
        long timeStamp = System.currentTimeMillis();
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(appKey.getBytes("UTF-8"), "HmacSHA256"));
        byte[] signed = mac.doFinal((appId + appKey + timeStamp).getBytes("UTF-8"));
        String keyInfo = HexFormat.of().withUpperCase().formatHex(signed);
        String answer = call("/apigateway/getAccessToken", String.format(
            "{{\\"appId\\": \\"%s\\", \\"timeStamp\\": %d, \\"keyInfo\\": \\"%s\\"}}", appId, timeStamp, keyInfo));
        {last}
    }}
}}'''


def _javascript(server: str, path: str, body: str) -> str:
    start = f'''// Node.js 18 or newer.
import {{ createHmac }} from "node:crypto";

const server = "{server}";
const {{ MSGCENTER_APP_ID: appId, MSGCENTER_APP_KEY: appKey }} = process.env;

async function call(path, body) {{
  const headers = {{ "Content-Type": "application/json" }};
  const answer = await fetch(server + path, {{ method: "POST", headers, body: JSON.stringify(body) }});
  return answer.json();
}}

const timeStamp = Date.now();
const keyInfo = createHmac("sha256", appKey).update(`${{appId}}${{appKey}}${{timeStamp}}`).digest("hex").toUpperCase();
const answer = await call("/apigateway/getAccessToken", {{ appId, timeStamp, keyInfo }});
'''
    if not path:
        return start + "console.log(answer);"
    return (
        start
        + f"""const token = answer.tokenInfo.accessToken;

const body = {body};
console.log(await call(`{path}?accessToken=${{token}}`, body));"""
    )


def _php(server: str, path: str, body: str) -> str:
    start = f"""<?php
// PHP 8 or newer, with allow_url_fopen (the default).
$server = '{server}';
$appId = getenv('MSGCENTER_APP_ID');
$appKey = getenv('MSGCENTER_APP_KEY');

function call(string $url, string $body): array {{
    $http = ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => $body, 'timeout' => 10];
    return json_decode(file_get_contents($url, false, stream_context_create(['http' => $http])), true);
}}

$timeStamp = (string) floor(microtime(true) * 1000);
$keyInfo = strtoupper(hash_hmac('sha256', $appId . $appKey . $timeStamp, $appKey));
$asked = json_encode(['appId' => $appId, 'timeStamp' => $timeStamp, 'keyInfo' => $keyInfo]);
$answer = call("$server/apigateway/getAccessToken", $asked);
"""
    if not path:
        return start + "echo json_encode($answer), PHP_EOL;"
    return (
        start
        + f"""$token = $answer['tokenInfo']['accessToken'];

$body = <<<'JSON'
{body}
JSON;
echo json_encode(call("$server{path}?accessToken=$token", $body), JSON_UNESCAPED_UNICODE), PHP_EOL;"""
    )


def _escaped_backslashes(body: str) -> str:
    return body.replace("\\", "\\\\")
