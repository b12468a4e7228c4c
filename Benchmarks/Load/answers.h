// The bytes that the mock upstream answers with, of the size and shape that hosted APIs send.
#ifndef ANSWERS_H
#define ANSWERS_H

#define PROVIDER_FIELDS                                                  \
  "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"                              \
  "server: mock-upstream\r\n"                                            \
  "x-request-id: req_7f3c5e0b9a8d4c61b2f0e4d7a9c8b6e5\r\n"               \
  "openai-organization: bench\r\n"                                       \
  "openai-processing-ms: 9\r\n"                                          \
  "openai-version: 2020-10-01\r\n"                                       \
  "x-ratelimit-limit-requests: 10000\r\n"                                \
  "x-ratelimit-limit-tokens: 2000000\r\n"                                \
  "x-ratelimit-remaining-requests: 9998\r\n"                             \
  "x-ratelimit-remaining-tokens: 1999640\r\n"                            \
  "x-ratelimit-reset-requests: 12ms\r\n"                                 \
  "x-ratelimit-reset-tokens: 10ms\r\n"                                   \
  "strict-transport-security: max-age=31536000; includeSubDomains\r\n"   \
  "x-content-type-options: nosniff\r\n"

#define UNARY_FIELDS "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" PROVIDER_FIELDS

#define STREAM_FIELDS                                                    \
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" \
  "cache-control: no-cache\r\n" PROVIDER_FIELDS "transfer-encoding: chunked\r\n\r\n"

#define COMPLETION                                                       \
  "{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion\"," \
  "\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":" \
  "{\"role\":\"assistant\",\"content\":\"A relay is as good as what it leaves alone: it keeps " \
  "every byte it has no reason to touch.\",\"refusal\":null},\"logprobs\":null," \
  "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":187,\"completion_tokens\":24," \
  "\"total_tokens\":211,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0}," \
  "\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"service_tier\":\"default\"," \
  "\"system_fingerprint\":\"fp_06737a9306\"}"

#define MODEL_LIST                                                       \
  "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-4o-mini\",\"object\":\"model\"," \
  "\"created\":1700000000,\"owned_by\":\"bench\"}]}"

#define CHUNK_PREFIX                                                     \
  "data: {\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\"," \
  "\"created\":1700000000,\"model\":\"gpt-4o-mini\",\"service_tier\":\"default\"," \
  "\"system_fingerprint\":\"fp_06737a9306\",\"choices\":"

#define FIRST_EVENT                                                      \
  CHUNK_PREFIX "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"," \
  "\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"

// 's' and its digits name the stream, 'w' the chunk, '@' the clock (bench.h).
#define CONTENT_EVENT                                                    \
  CHUNK_PREFIX "[{\"index\":0,\"delta\":{\"content\":\"s0000000 w00000 @0000000000000000\"}," \
  "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"

#define FINISH_EVENT                                                     \
  CHUNK_PREFIX "[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]," \
  "\"usage\":null}\n\n"

#define USAGE_EVENT                                                      \
  CHUNK_PREFIX "[],\"usage\":{\"prompt_tokens\":187,\"completion_tokens\":24," \
  "\"total_tokens\":211}}\n\n"

#define DONE_EVENT "data: [DONE]\n\n"

// The same answers in the words of Anthropic's Messages.

#define MESSAGE                                                          \
  "{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\",\"role\":\"assistant\"," \
  "\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[{\"type\":\"text\",\"text\":\"A relay is " \
  "as good as what it leaves alone: it keeps every byte it has no reason to touch.\"}]," \
  "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":187," \
  "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"cache_creation\":" \
  "{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":24," \
  "\"service_tier\":\"standard\"}}"

#define MESSAGE_EVENT(name, rest) \
  "event: " name "\ndata: {\"type\":\"" name "\"" rest "}\n\n"

#define MESSAGE_FIRST_EVENTS                                             \
  MESSAGE_EVENT("message_start",                                         \
    ",\"message\":{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\"," \
    "\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[]," \
    "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":187," \
    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}}") \
  MESSAGE_EVENT("content_block_start",                                   \
    ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")  \
  MESSAGE_EVENT("ping", "")

#define MESSAGE_CONTENT_EVENT                                            \
  MESSAGE_EVENT("content_block_delta",                                   \
    ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"       \
    "\"s0000000 w00000 @0000000000000000\"}")

#define MESSAGE_LAST_EVENTS                                              \
  MESSAGE_EVENT("content_block_stop", ",\"index\":0")                    \
  MESSAGE_EVENT("message_delta",                                         \
    ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}," \
    "\"usage\":{\"output_tokens\":24}")                                  \
  MESSAGE_EVENT("message_stop", "")

// Salesforce's: a token that is not looked into, and a generation whose text is where it is documented
// to be.

#define SALESFORCE_TOKEN                                                 \
  "{\"access_token\":\"00Dbench!AQ4AQFhZ0Tq3mJ7\",\"instance_url\":\"https://bench.my.salesforce.com\"," \
  "\"token_type\":\"Bearer\",\"issued_at\":\"1700000000000\",\"scope\":\"sfap_api einstein_gpt_api api\"}"

#define SALESFORCE_GENERATION                                            \
  "{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"generation\":{\"id\":\"gen-1\"," \
  "\"generatedText\":\"A relay is as good as what it leaves alone: it keeps every byte it has no " \
  "reason to touch.\",\"contentQuality\":null,\"parameters\":{\"finish_reason\":\"stop\"," \
  "\"index\":0,\"logprobs\":null}},\"parameters\":{\"usage\":{\"prompt_tokens\":187," \
  "\"completion_tokens\":24,\"total_tokens\":211},\"model\":\"gpt-4o\",\"provider\":\"OpenAI\"," \
  "\"object\":\"chat.completion\"}}"

#endif
