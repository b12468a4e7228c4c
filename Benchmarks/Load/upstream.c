// The mock upstream: OpenAI chat completions, under /v1/messages Anthropic's Messages, and Salesforce's
// token endpoint and Models API, over plain HTTP/1.1 and TLS 1.3 from one epoll loop.
//
//   upstream --cert F --key F [--plain-port P] [--tls-port P] [--admin-port P]
//            [--chunks N] [--interval-us N] [--burst N]
//            [--delay-us N] [--slow-every N] [--slow-us N]
//
// A request with "stream":true is answered by `chunks` content events, `burst` of them in one write
// every `interval-us` (0: as fast as they are taken). Any other is answered after `delay-us`, and
// every `slow-every`th after `slow-us` instead; but for tokens, which come at once. A port of 0, the default, lets the kernel
// choose; the ports are printed as one line of JSON once all listen. GET on the admin port answers
// with the counters, so that reading them changes none.
#define _GNU_SOURCE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <strings.h>

#include "answers.h"
#include "bench.h"

enum {
  HEAD_BYTES_MAX = 65536,
  REQUEST_BYTES_MAX = 8 << 20,
  EVENT_BYTES_MAX = 512,
  BURST_MAX = 256,
  ABORTS_KEPT = 16384
};
enum door { PLAIN, TLS, ADMIN };

struct buffer { char *bytes; size_t count, capacity; };

struct connection {
  int fd;
  enum door door;
  enum { LISTENING, HANDSHAKE, READING, DELAYED, STREAMING, CLOSED } state;
  bool write_watched, wants_usage, speaks_messages;
  SSL *ssl;
  struct buffer in;   // the part of a request that has come
  struct buffer out;  // what the kernel has refused, from `out_sent` on
  size_t out_sent;
  uint64_t stream, due_ns;
  uint32_t chunks_sent;
  const char *delayed;  // the body that is due
  struct connection *earlier, *later;  // the due list while DELAYED or STREAMING; `later` chains
                                       // dead ones
};

static struct {
  uint64_t connections[3], open, full, resumed, failed;  // `full` to `failed`: handshakes
  uint64_t unary, streams, completed, aborted, chunks, bad_requests, bytes_in, bytes_out;
  uint64_t active, active_max;
  struct { uint64_t stream, at_ns; } aborts[ABORTS_KEPT];
} counters;

static uint32_t chunk_count, burst, slow_every;
static uint64_t interval_ns, delay_ns, slow_ns;
static int epoll;
static SSL_CTX *tls;
static struct connection *first_due, *last_due, *dead;

// --- due list: ordered by due_ns. One interval for all streams means that a stream nearly always
// belongs at the end, so a list does what elsewhere takes a heap.

static void due_remove(struct connection *c) {
  if (first_due != c && !c->earlier) return;
  *(c->earlier ? &c->earlier->later : &first_due) = c->later;
  *(c->later ? &c->later->earlier : &last_due) = c->earlier;
  c->earlier = c->later = NULL;
}

static void due_insert(struct connection *c, uint64_t due_ns) {
  struct connection *before = last_due;
  c->due_ns = due_ns;
  while (before && before->due_ns > due_ns) before = before->earlier;
  c->earlier = before;
  c->later = before ? before->later : first_due;
  *(before ? &before->later : &first_due) = c;
  *(c->later ? &c->later->earlier : &last_due) = c;
}

// --- bytes in and out. All three return how many were moved, 0 for "not now", -1 for the end.

static ssize_t tls_result(struct connection *c, int result) {
  if (result > 0) return result;
  int error = SSL_get_error(c->ssl, result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t receive(struct connection *c, char *to, size_t room) {
  if (c->ssl) return tls_result(c, SSL_read(c->ssl, to, (int)room));
  ssize_t n = recv(c->fd, to, room, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  return n ? n : -1;
}

static ssize_t transmit(struct connection *c, const char *from, size_t count) {
  ssize_t n = c->ssl ? tls_result(c, SSL_write(c->ssl, from, (int)count))
                     : send(c->fd, from, count, MSG_NOSIGNAL);
  if (!c->ssl && n < 0 && (errno == EAGAIN || errno == EINTR)) n = 0;
  if (n > 0) counters.bytes_out += (uint64_t)n;
  return n;
}

static void append(struct buffer *b, const char *bytes, size_t count) {
  if (b->count + count > b->capacity) {
    b->capacity = (b->count + count) * 2;
    b->bytes = realloc(b->bytes, b->capacity);
    if (!b->bytes) die("realloc");
  }
  memcpy(b->bytes + b->count, bytes, count);
  b->count += count;
}

static void forget(struct buffer *b) {
  free(b->bytes);
  *b = (struct buffer){0};
}

static void watch_writable(struct connection *c, bool on) {
  if (c->write_watched == on) return;
  c->write_watched = on;
  epoll_set(epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0), c);
}

static bool answer(struct connection *c, const char *bytes, size_t count) {
  if (!c->out.count) {
    ssize_t n = transmit(c, bytes, count);
    if (n < 0) return false;
    bytes += n, count -= (size_t)n;
  }
  if (!count) return true;
  append(&c->out, bytes, count);
  watch_writable(c, true);
  return true;
}

static bool flush(struct connection *c) {
  while (c->out_sent < c->out.count) {
    ssize_t n = transmit(c, c->out.bytes + c->out_sent, c->out.count - c->out_sent);
    if (n <= 0) return n == 0;
    c->out_sent += (size_t)n;
  }
  forget(&c->out);
  c->out_sent = 0;
  watch_writable(c, false);
  return true;
}

// --- streams

static size_t put_event(char *to, const char *event, size_t count) {
  size_t n = (size_t)sprintf(to, "%zx\r\n", count);
  memcpy(to + n, event, count);
  memcpy(to + n + count, "\r\n", 2);
  return n + count + 2;
}
#define PUT_EVENT(to, literal) put_event(to, literal, sizeof literal - 1)

static size_t put_content(char *to, struct connection *c) {
  size_t n = c->speaks_messages ? PUT_EVENT(to, MESSAGE_CONTENT_EVENT)
                                : PUT_EVENT(to, CONTENT_EVENT);
  char *stream = memmem(to, n, "s0000000 w", 10) + 1;
  put_digits(stream, STREAM_DIGITS, c->stream);
  put_digits(stream + STREAM_DIGITS + 2, SEQUENCE_DIGITS, c->chunks_sent++);
  put_digits(stream + STREAM_DIGITS + SEQUENCE_DIGITS + 4, CLOCK_DIGITS, now_ns());
  counters.chunks++;
  return n;
}

static bool stream_step(struct connection *c) {
  static char out[(BURST_MAX + 4) * EVENT_BYTES_MAX];
  do {
    size_t n = 0;
    for (uint32_t i = 0; i < burst && c->chunks_sent < chunk_count; i++)
      n += put_content(out + n, c);
    bool last = c->chunks_sent == chunk_count;
    if (last) {
      if (c->speaks_messages) {
        n += PUT_EVENT(out + n, MESSAGE_LAST_EVENTS);
      } else {
        n += PUT_EVENT(out + n, FINISH_EVENT);
        if (c->wants_usage) n += PUT_EVENT(out + n, USAGE_EVENT);
        n += PUT_EVENT(out + n, DONE_EVENT);
      }
      memcpy(out + n, "0\r\n\r\n", 5), n += 5;
      c->state = READING;
      counters.completed++, counters.active--;
    }
    if (!answer(c, out, n)) return false;
    if (last) return true;
  } while (!interval_ns && !c->out.count);
  if (interval_ns) due_insert(c, (c->due_ns ? c->due_ns : now_ns()) + interval_ns);
  return true;
}

static bool stream_start(struct connection *c) {
  char head[sizeof STREAM_FIELDS + 2 * EVENT_BYTES_MAX];
  memcpy(head, STREAM_FIELDS, sizeof STREAM_FIELDS - 1);
  size_t n = sizeof STREAM_FIELDS - 1;
  n += c->speaks_messages ? PUT_EVENT(head + n, MESSAGE_FIRST_EVENTS)
                          : PUT_EVENT(head + n, FIRST_EVENT);
  c->state = STREAMING;
  c->stream = ++counters.streams;
  c->chunks_sent = 0;
  c->due_ns = 0;
  if (++counters.active > counters.active_max) counters.active_max = counters.active;
  return answer(c, head, n) && stream_step(c);
}

// --- requests

static bool answer_json(struct connection *c, const char *fields, const char *body) {
  char head[2048];
  int n = snprintf(head, sizeof head, "%scontent-length: %zu\r\n\r\n%s", fields, strlen(body),
                   body);
  return answer(c, head, (size_t)n);
}

static bool answer_counters(struct connection *c) {
  char *body;
  size_t size;
  FILE *f = open_memstream(&body, &size);
#define FIELD(name, value) fprintf(f, "\"" name "\":%lu,", (unsigned long)(value))
  fputc('{', f);
  FIELD("connections_plain", counters.connections[PLAIN]);
  FIELD("connections_tls", counters.connections[TLS]);
  FIELD("connections_open", counters.open);
  FIELD("handshakes_full", counters.full);
  FIELD("handshakes_resumed", counters.resumed);
  FIELD("handshakes_failed", counters.failed);
  FIELD("unary", counters.unary);
  FIELD("streams", counters.streams);
  FIELD("streams_active", counters.active);
  FIELD("streams_active_max", counters.active_max);
  FIELD("streams_completed", counters.completed);
  FIELD("streams_aborted", counters.aborted);
  FIELD("chunks", counters.chunks);
  FIELD("bad_requests", counters.bad_requests);
  FIELD("bytes_in", counters.bytes_in);
  FIELD("bytes_out", counters.bytes_out);
#undef FIELD
  fprintf(f, "\"aborts\":[");
  for (uint64_t i = 0; i < counters.aborted && i < ABORTS_KEPT; i++)
    fprintf(f, "%s[%lu,%lu]", i ? "," : "", (unsigned long)counters.aborts[i].stream,
            (unsigned long)counters.aborts[i].at_ns);
  fprintf(f, "]}");
  fclose(f);
  char fields[128];
  int n = snprintf(fields, sizeof fields, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", size);
  bool sent = answer(c, fields, (size_t)n) && answer(c, body, size);
  free(body);
  return sent;
}

// Whether the body holds "name" : true, with any spacing.
static bool is_true(const char *body, size_t count, const char *quoted_name) {
  const char *at = memmem(body, count, quoted_name, strlen(quoted_name));
  if (!at) return false;
  at += strlen(quoted_name);
  const char *end = body + count;
  while (at < end && (*at == ' ' || *at == ':')) at++;
  return end - at >= 4 && !memcmp(at, "true", 4);
}

static bool respond(struct connection *c, const char *head, const char *body, size_t count) {
  if (c->door == ADMIN) return answer_counters(c);
  if (!strncmp(head, "GET ", 4)) return answer_json(c, UNARY_FIELDS, MODEL_LIST);
  c->speaks_messages = !strncmp(head, "POST /v1/messages", 17);
  c->wants_usage = is_true(body, count, "\"include_usage\"");
  if (is_true(body, count, "\"stream\"")) return stream_start(c);
  if (!strncmp(head, "POST /services/oauth2/token", 27))
    return answer_json(c, UNARY_FIELDS, SALESFORCE_TOKEN);
  counters.unary++;
  const char *text = c->speaks_messages ? MESSAGE
                     : !strncmp(head, "POST /einstein/", 15) ? SALESFORCE_GENERATION
                                                              : COMPLETION;
  if (!delay_ns) return answer_json(c, UNARY_FIELDS, text);
  c->state = DELAYED;
  c->delayed = text;
  due_insert(c, now_ns() + (counters.unary % slow_every ? delay_ns : slow_ns));
  return true;
}

static bool due_step(struct connection *c) {
  if (c->state == STREAMING) return stream_step(c);
  c->state = READING;
  return answer_json(c, UNARY_FIELDS, c->delayed);
}

// Reads the size of the body from the head's lines, each of which ends with CRLF.
static bool body_size(const char *line, const char *end, size_t *size) {
  while (line < end) {
    const char *next = (char *)memmem(line, (size_t)(end - line), "\r\n", 2) + 2;
    if (!strncasecmp(line, "transfer-encoding:", 18)) return false;  // no peer here has a reason to
    if (!strncasecmp(line, "content-length:", 15)) *size = strtoul(line + 15, NULL, 10);
    line = next;
  }
  return *size <= REQUEST_BYTES_MAX;
}

// Answers every whole request that has come. A request behind an open stream waits for its end.
static bool serve(struct connection *c) {
  while (c->state == READING && c->in.count) {
    char *end = memmem(c->in.bytes, c->in.count, "\r\n\r\n", 4);
    if (!end) return c->in.count < HEAD_BYTES_MAX;
    size_t head = (size_t)(end - c->in.bytes) + 4, body = 0;
    if (!body_size(c->in.bytes, end + 2, &body)) {
      counters.bad_requests++;
      return false;
    }
    if (c->in.count < head + body) return true;
    if (!respond(c, c->in.bytes, c->in.bytes + head, body)) return false;
    c->in.count -= head + body;
    memmove(c->in.bytes, c->in.bytes + head + body, c->in.count);
  }
  if (!c->in.count && c->in.capacity > 4096) forget(&c->in);
  return true;
}

// --- connections

static void accept_all(struct connection *listener) {
  int fd;
  while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct connection *c = calloc(1, sizeof *c);
    if (!c) die("calloc");
    c->fd = fd;
    c->door = listener->door;
    c->state = READING;
    no_delay(fd);
    if (c->door == TLS) {
      c->state = HANDSHAKE;
      c->ssl = SSL_new(tls);
      SSL_set_fd(c->ssl, fd);
      SSL_set_accept_state(c->ssl);
    }
    counters.connections[c->door]++;
    if (c->door != ADMIN) counters.open++;
    epoll_set(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, c);
  }
}

static void close_connection(struct connection *c) {
  due_remove(c);
  if (c->state == STREAMING) {
    counters.aborts[counters.aborted % ABORTS_KEPT].stream = c->stream;
    counters.aborts[counters.aborted++ % ABORTS_KEPT].at_ns = now_ns();
    counters.active--;
  }
  if (c->state == HANDSHAKE) counters.failed++;
  if (c->door != ADMIN) counters.open--;
  SSL_free(c->ssl);
  close(c->fd);
  forget(&c->in);
  forget(&c->out);
  c->state = CLOSED;
  c->later = dead;
  dead = c;  // freed when no event of this turn can name it any more
}

static bool on_event(struct connection *c, uint32_t events) {
  static char bytes[1 << 18];
  if (c->state == HANDSHAKE) {
    ssize_t done = tls_result(c, SSL_do_handshake(c->ssl));
    if (done <= 0) return done == 0;
    (*(SSL_session_reused(c->ssl) ? &counters.resumed : &counters.full))++;
    c->state = READING;
  }
  if (events & EPOLLOUT) {
    if (!flush(c)) return false;
    if (c->state == STREAMING && !interval_ns && !c->out.count && !stream_step(c)) return false;
  }
  if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) return true;
  do {
    ssize_t n = receive(c, bytes, sizeof bytes);
    if (n <= 0) return n == 0;
    counters.bytes_in += (uint64_t)n;
    append(&c->in, bytes, (size_t)n);
    if (!serve(c)) return false;
  } while (c->ssl && SSL_has_pending(c->ssl));
  return true;
}

static void turn(void) {
  static struct epoll_event events[1024];
  struct timespec pause = {0};
  if (first_due) {
    uint64_t now = now_ns(), wait = first_due->due_ns > now ? first_due->due_ns - now : 0;
    pause = (struct timespec){(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
  }
  int n = epoll_pwait2(epoll, events, 1024, first_due ? &pause : NULL, NULL);
  for (int i = 0; i < n; i++) {
    struct connection *c = events[i].data.ptr;
    if (c->state == LISTENING) accept_all(c);
    else if (c->state != CLOSED && !on_event(c, events[i].events)) close_connection(c);
  }
  uint64_t now = now_ns();
  for (struct connection *c; (c = first_due) && c->due_ns <= now;) {
    due_remove(c);
    if (!due_step(c) || (c->state == READING && !serve(c))) close_connection(c);
  }
  for (struct connection *c; (c = dead);) {
    dead = c->later;
    free(c);
  }
}

static int open_door(enum door door, int port) {
  struct connection *listener = calloc(1, sizeof *listener);
  if (!listener) die("calloc");
  listener->door = door;
  listener->state = LISTENING;
  listener->fd = listen_on(&port);
  epoll_set(epoll, EPOLL_CTL_ADD, listener->fd, EPOLLIN, listener);
  return port;
}

int main(int argc, char **argv) {
  process_setup();
  chunk_count = (uint32_t)number_option(argc, argv, "--chunks", 20);
  interval_ns = (uint64_t)number_option(argc, argv, "--interval-us", 0) * 1000u;
  burst = (uint32_t)number_option(argc, argv, "--burst", 1);
  delay_ns = (uint64_t)number_option(argc, argv, "--delay-us", 0) * 1000u;
  slow_every = (uint32_t)number_option(argc, argv, "--slow-every", 1000000000);
  slow_ns = (uint64_t)number_option(argc, argv, "--slow-us", 0) * 1000u;
  if (!slow_every) slow_every = 1;
  if (chunk_count > 99999 || burst < 1 || burst > BURST_MAX) {
    fprintf(stderr, "upstream: --chunks is at most 99999, --burst 1 to %d\n", BURST_MAX);
    return 2;
  }
  tls = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(tls, 1);
  SSL_CTX_set_session_id_context(tls, (const unsigned char *)"bench", 5);
  const char *certificate = option(argc, argv, "--cert", "cert.pem");
  const char *key = option(argc, argv, "--key", "key.pem");
  if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return 1;
  }
  epoll = epoll_create1(EPOLL_CLOEXEC);
  int plain_port = open_door(PLAIN, (int)number_option(argc, argv, "--plain-port", 0));
  int tls_port = open_door(TLS, (int)number_option(argc, argv, "--tls-port", 0));
  int admin_port = open_door(ADMIN, (int)number_option(argc, argv, "--admin-port", 0));
  printf("{\"plain\":%d,\"tls\":%d,\"admin\":%d}\n", plain_port, tls_port, admin_port);
  fflush(stdout);
  for (;;) turn();
}
