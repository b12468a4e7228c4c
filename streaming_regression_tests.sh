#!/usr/bin/env bash
# Checks the streams of a running gateway with curl alone, as a client would see them. TAP on standard output; exits
# with 1 if a check fails.
#   ./streaming_regression_tests.sh [URL] [MODEL]        default: http://127.0.0.1:8000/v1 sim
#   API_KEY=...      the client's key     TOOL_MODEL=...   a model that calls a tool when it is given one
# No pipefail: a reader that has seen enough closes its pipe.
set -u
url=${1:-http://127.0.0.1:8000/v1} model=${2:-sim} tool_model=${TOOL_MODEL:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0 failed=0

# ask NAME PATH BODY [curl options]: the answer goes to NAME.body, its head to NAME.head, its times to NAME.times.
ask() {
  local name=$1 path=$2 body=$3
  shift 3
  curl -sS -N --max-time 120 -D "$scratch/$name.head" -o "$scratch/$name.body" \
    -w '%{http_code} %{time_starttransfer} %{time_total}' -H 'content-type: application/json' \
    ${API_KEY:+-H "authorization: Bearer $API_KEY"} -d "$body" "$@" "$url$path" \
    > "$scratch/$name.times" 2> "$scratch/$name.error"
}

# check WHAT COMMAND...: one line of the report.
check() {
  local what=$1
  shift
  number=$((number + 1))
  if "$@"; then echo "ok $number - $what"; else failed=$((failed + 1)); echo "not ok $number - $what"; fi
}

status() { [ "$(cut -d' ' -f1 "$scratch/$1.times")" = "$2" ]; }
head_has() { tr -d '\r' < "$scratch/$1.head" | grep -qiE "$2"; }
payloads() { sed -n 's/^data: //p' "$scratch/$1.body"; }
chunks() { payloads "$1" | grep -v '^\[DONE\]$'; }
body_has() { grep -qE "$2" "$scratch/$1.body"; }
lacks() { ! "$@"; }
is_framed() { ! grep -qvE '^(data: .*|:.*|)$' "$scratch/$1.body" && ! grep -q $'\r' "$scratch/$1.body"; }
ends_with_done() { [ "$(payloads "$1" | tail -n 1)" = '[DONE]' ] && [ "$(payloads "$1" | grep -c '^\[DONE\]$')" = 1 ]; }
are_objects() { [ "$(chunks "$1" | wc -l)" -gt 1 ] && ! chunks "$1" | grep -qvE '^\{.*\}$'; }
first_has_role() { chunks "$1" | head -n 1 | grep -q '"role":"assistant"'; }
one_id() { [ "$(chunks "$1" | grep -oE '"id":"chatcmpl[^"]*"' | sort -u | wc -l)" = 1 ]; }
one_reason() { [ "$(chunks "$1" | grep -cE '"finish_reason":"[a-z_]+"')" = 1 ]; }
reason_is_last() { chunks "$1" | grep -v '"choices":\[\]' | tail -n 1 | grep -qE '"finish_reason":"[a-z_]+"'; }
has_text() { chunks "$1" | grep -qE '"content":"[^"]+'; }
usage_is_last() { chunks "$1" | tail -n 1 | grep -q '"choices":\[\].*"total_tokens":[0-9]'; }
came_bit_by_bit() { awk '{ exit !($3 - $2 > 0.02) }' "$scratch/$1.times"; }

messages='"messages":[{"role":"user","content":"Tell me of the sea."}],"max_tokens":32'

ask stream /chat/completions "{\"model\":\"$model\",\"stream\":true,$messages}"
check 'a stream is answered with 200' status stream 200
check 'it is text/event-stream' head_has stream '^content-type: text/event-stream'
check 'no cache and no proxy holds it back' head_has stream '^cache-control: .*no-cache'
check 'it says that it was not downgraded' head_has stream '^x-stream-downgraded: false'
check 'it tells the gateway'"'"'s latency' head_has stream '^x-proxy-latency-ms: [0-9]'
check 'it carries a request id' head_has stream '^x-request-id: '
check 'its lines are data, comments and blanks, ended by LF' is_framed stream
check 'every chunk is an object' are_objects stream
check 'the first chunk has the role' first_has_role stream
check 'there is text' has_text stream
check 'all chunks have one id' one_id stream
check 'exactly one chunk says why it ended' one_reason stream
check 'and that is the last one' reason_is_last stream
check '[DONE] ends it, once' ends_with_done stream
check 'usage is not told unasked' lacks body_has stream '"choices":\[\]'
check 'it came bit by bit' came_bit_by_bit stream

ask usage /chat/completions "{\"model\":\"$model\",\"stream\":true,\"stream_options\":{\"include_usage\":true},$messages}"
check 'usage is told where it is asked for, behind the last choice' usage_is_last usage
check '[DONE] ends that one too' ends_with_done usage

ask whole /chat/completions "{\"model\":\"$model\",$messages}"
check 'without stream the answer is JSON in one piece' head_has whole '^content-type: application/json'
check 'with usage' body_has whole '"total_tokens":[0-9]'

ask wrong /chat/completions "{\"model\":\"$model\",\"stream\":true,\"messages\":\"none\"}"
check 'a wrong request is a 400 before any stream' status wrong 400
check 'in JSON, with a message' body_has wrong '"error":\{"message":"'
check 'and not a stream' lacks head_has wrong '^content-type: text/event-stream'

ask broken /chat/completions "{\"model\":\"$model\",\"stream\":true"
check 'broken JSON is a 400' status broken 400

ask left /chat/completions "{\"model\":\"$model\",\"stream\":true,$messages}" --max-time 0.05
ask after /chat/completions "{\"model\":\"$model\",\"stream\":true,$messages}"
check 'behind a client that left in the middle the next is served' ends_with_done after

if [ -n "$tool_model" ]; then
  tools='"tools":[{"type":"function","function":{"name":"look_up","parameters":{"type":"object","properties":{"word":{"type":"string"}}}}}]'
  ask tools /chat/completions "{\"model\":\"$tool_model\",\"stream\":true,$tools,$messages}"
  check 'a tool is called in the stream' body_has tools '"tool_calls":\['
  check 'and said to be why it ended' body_has tools '"finish_reason":"tool_calls"'
  check '[DONE] ends that stream' ends_with_done tools
fi

echo "1..$number"
[ "$failed" = 0 ] || { echo "# $failed of $number failed"; exit 1; }
