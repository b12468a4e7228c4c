// Samples.swift — the messages that cases work on, of the size and shape of real ones.

/// A request head as an SDK sends it.
let requestHead: StaticString = """
    POST /v1/chat/completions HTTP/1.1\r
    Host: 127.0.0.1:8000\r
    Accept-Encoding: gzip, deflate\r
    Connection: keep-alive\r
    Accept: application/json\r
    Content-Type: application/json\r
    User-Agent: OpenAI/Python 2.8.0\r
    X-Stainless-Lang: python\r
    X-Stainless-Package-Version: 2.8.0\r
    X-Stainless-OS: Linux\r
    X-Stainless-Arch: x64\r
    X-Stainless-Runtime: CPython\r
    X-Stainless-Runtime-Version: 3.11.7\r
    Authorization: Bearer sk-bench-0123456789abcdef0123456789abcdef0123456789abcdef\r
    X-Stainless-Async: false\r
    x-stainless-retry-count: 0\r
    x-stainless-read-timeout: 600\r
    Content-Length: 11\r
    \r
    {"a": true}
    """

/// A response head as a hosted API sends it.
let responseHead: StaticString = """
    HTTP/1.1 200 OK\r
    content-type: application/json\r
    date: Tue, 14 Nov 2023 22:13:20 GMT\r
    server: bench\r
    x-request-id: req_7f3c5e0b9a8d4c61b2f0e4d7a9c8b6e5\r
    openai-organization: bench\r
    openai-processing-ms: 9\r
    openai-version: 2020-10-01\r
    x-ratelimit-limit-requests: 10000\r
    x-ratelimit-limit-tokens: 2000000\r
    x-ratelimit-remaining-requests: 9998\r
    x-ratelimit-remaining-tokens: 1999640\r
    x-ratelimit-reset-requests: 12ms\r
    x-ratelimit-reset-tokens: 10ms\r
    strict-transport-security: max-age=31536000; includeSubDomains\r
    x-content-type-options: nosniff\r
    content-length: 11\r
    \r
    {"a": true}
    """

/// One event of a streamed answer.
let streamEvent: StaticString = """
    data: {"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk",\
    "created":1700000000,"model":"gpt-4o-mini","service_tier":"default",\
    "system_fingerprint":"fp_06737a9306","choices":[{"index":0,"delta":{"content":" relay"},\
    "logprobs":null,"finish_reason":null}],"usage":null}\n\n
    """
