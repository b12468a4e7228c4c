// The load side: POSTs one body over many plain HTTP/1.1 connections from one epoll loop, checks
// what comes back, and prints one line of JSON.
//
//   load --port P --mode MODE --body-file F [--path P] [--header 'Name: value']
//        [--conns N] [--seconds S] [--ramp-ms N] [--grace-s S] [--count N] [--rate N]
//        [--expect-chunks N] [--once 1] [--gap-ms N]
//
//   unary   every connection asks again as soon as it is answered
//   stream  the same with streams; checks order, count and end, and how old each chunk is
//   rate    `rate` requests a second whatever comes back; latency counts from when one was due
//   idle    every connection asks once and stays open
//   abort   every connection opens a stream; after `seconds` they leave one by one, `gap-ms` apart
//
// `count` ends a run after so many requests, `once` lets each connection make one only. After the
// time is up, what is under way may finish within `grace-s`.
#define _GNU_SOURCE
#include <strings.h>

#include "bench.h"

enum {
  HEAD_BYTES_MAX = 16384,
  LINE_BYTES_MAX = 1024,
  RATE_CONNECTIONS = 4096,
  OPENED_PER_TURN = 64
};
enum mode { UNARY, STREAM, RATE, IDLE, ABORT };

struct connection {
  int fd;  // -1: not open
  enum { UNUSED, CONNECTING, SENDING, HEAD, BODY, PARKED } state;
  enum { LENGTH, UNTIL_CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } framing;
  bool keep_alive, done, first_seen;
  size_t sent, remaining, head_count, line_count;
  uint64_t started_ns, stream, closed_ns;
  uint32_t chunks;
  char *head;  // response head, then each chunk-size line
  char line[LINE_BYTES_MAX];
};

// Log-linear: 64 steps an octave, so a value is known to 1.6 %.
struct histogram { uint64_t count[64 * 64], total, sum, max; };

static enum mode mode;
static int epoll, port;
static char *request;
static size_t request_bytes;
static uint32_t chunks_expected;
static bool once, stopping;
static uint64_t budget = UINT64_MAX, in_flight;
static struct connection *connections;
static int *free_slots, free_count;
static struct histogram latency, first_chunk, chunk_age;
static struct {
  uint64_t started, completed, connects, chunks, comments, bytes;
  // What went wrong.
  uint64_t connect, status, reset, framing, order, chunk_count, no_done, in_band, no_slot;
} seen;

static void record(struct histogram *h, uint64_t ns) {
  unsigned shift = ns < 128 ? 0 : 57u - (unsigned)__builtin_clzll(ns);
  h->count[shift * 64 + (ns >> shift)]++;
  h->total++;
  h->sum += ns;
  if (ns > h->max) h->max = ns;
}

static double quantile_us(const struct histogram *h, double share) {
  uint64_t wanted = (uint64_t)((double)h->total * share), passed = 0;
  for (unsigned i = 0; i < 64 * 64; i++) {
    unsigned shift = i < 128 ? 0 : i / 64 - 1;
    passed += h->count[i];
    if (passed > wanted) return (double)((uint64_t)(i - shift * 64) << shift) / 1e3;
  }
  return 0;
}

static void start(struct connection *c, uint64_t due_ns);

static void close_connection(struct connection *c) {
  if (c->fd < 0) return;
  close(c->fd);
  c->fd = -1;
  if (c->state != PARKED && c->state != UNUSED) in_flight--;
  c->state = UNUSED;
}

static void release_slot(struct connection *c) {
  if (mode == RATE) free_slots[free_count++] = (int)(c - connections);
}

static void fail(struct connection *c, uint64_t *kind, uint64_t now) {
  (*kind)++;
  close_connection(c);
  release_slot(c);
  if (!stopping && !once && (mode == UNARY || mode == STREAM)) start(c, now);
}

// --- requests

static void send_request(struct connection *c) {
  ssize_t n = send(c->fd, request + c->sent, request_bytes - c->sent, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) return fail(c, &seen.reset, now_ns());
  if (n > 0) c->sent += (size_t)n;
  bool blocked = c->sent < request_bytes, was_blocked = c->state != PARKED;
  c->state = blocked ? SENDING : HEAD;
  if (blocked != was_blocked)
    epoll_set(epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN | (blocked ? EPOLLOUT : 0), c);
}

static void start(struct connection *c, uint64_t due_ns) {
  if (!budget) return;
  budget--;
  seen.started++;
  in_flight++;
  c->started_ns = due_ns;
  c->sent = c->head_count = c->line_count = c->chunks = c->stream = 0;
  c->done = c->first_seen = false;
  if (c->fd >= 0) return send_request(c);
  struct sockaddr_in at = loopback(port);
  c->fd = tcp_socket();
  c->state = CONNECTING;
  if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS))
    die("connect");
  seen.connects++;
  epoll_set(epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c);
}

static void finish(struct connection *c, uint64_t now) {
  if (mode == STREAM || mode == ABORT) {
    if (!c->done) return fail(c, &seen.no_done, now);
    if (chunks_expected && c->chunks != chunks_expected) return fail(c, &seen.chunk_count, now);
  }
  record(&latency, now - c->started_ns);
  seen.completed++;
  in_flight--;
  c->state = PARKED;
  if (!c->keep_alive) close_connection(c);
  release_slot(c);
  if (!stopping && !once && (mode == UNARY || mode == STREAM)) start(c, now);
}

// --- event streams

// One line of an event stream, without its end.
static void on_line(struct connection *c, const char *line, size_t count, uint64_t now) {
  if (count && *line == ':') seen.comments++;
  if (count < 5 || memcmp(line, "data:", 5)) return;
  if (memmem(line, count, "[DONE]", 6)) c->done = true;
  const char *mark = memmem(line, count, " @", 2);
  if (!mark || mark - line < 16 || line + count - mark < 2 + CLOCK_DIGITS) {
    if (memmem(line, count, "\"error\"", 7)) seen.in_band++;
    return;
  }
  if (get_digits(mark - SEQUENCE_DIGITS, SEQUENCE_DIGITS) != c->chunks++) seen.order++;
  if (!c->first_seen) {
    c->first_seen = true;
    c->stream = get_digits(mark - SEQUENCE_DIGITS - 2 - STREAM_DIGITS, STREAM_DIGITS);
    record(&first_chunk, now - c->started_ns);
  }
  record(&chunk_age, now - get_digits(mark + 2, CLOCK_DIGITS));
  seen.chunks++;
}

static void on_stream_bytes(struct connection *c, const char *p, size_t n, uint64_t now) {
  while (n) {
    const char *end = memchr(p, '\n', n);
    size_t part = end ? (size_t)(end - p) : n;
    if (!c->line_count && end) {
      on_line(c, p, part, now);
    } else {
      size_t kept = part < LINE_BYTES_MAX - c->line_count ? part : LINE_BYTES_MAX - c->line_count;
      memcpy(c->line + c->line_count, p, kept);
      c->line_count += kept;
      if (end) on_line(c, c->line, c->line_count, now);
      if (end) c->line_count = 0;
    }
    p += part + (end != NULL), n -= part + (end != NULL);
  }
}

// --- responses

// Reads the head; false when it is not a 200 with a body that can be followed.
static bool on_head(struct connection *c) {
  c->keep_alive = true;
  c->framing = UNTIL_CLOSE;
  if (strncmp(c->head, "HTTP/1.1 200", 12)) return false;
  for (char *line = c->head; (line = strchr(line, '\n')); ) {
    line++;
    if (!strncasecmp(line, "content-length:", 15)) {
      c->framing = LENGTH;
      c->remaining = strtoul(line + 15, NULL, 10);
    }
    if (!strncasecmp(line, "transfer-encoding: chunked", 26)) c->framing = CHUNK_SIZE;
    if (!strncasecmp(line, "connection: close", 17)) c->keep_alive = false;
  }
  if (c->framing == UNTIL_CLOSE) c->keep_alive = false;
  c->head_count = 0;
  c->state = BODY;
  return true;
}

// Collects up to the given end in c->head; how many bytes were taken, and whether it is whole.
static size_t collect(struct connection *c, const char *p, size_t n, const char *end, bool *whole) {
  size_t taken = 0, length = strlen(end);
  *whole = false;
  while (taken < n && !*whole && c->head_count < HEAD_BYTES_MAX - 1) {
    c->head[c->head_count++] = p[taken++];
    *whole = c->head_count >= length && !memcmp(c->head + c->head_count - length, end, length);
  }
  c->head[c->head_count] = 0;
  return taken;
}

// Takes one step through the body; sets *ended when the response is whole. Returns bytes used.
static size_t on_body(struct connection *c, const char *p, size_t n, uint64_t now, bool *ended) {
  bool whole;
  size_t used;
  switch (c->framing) {
  case CHUNK_SIZE:
    used = collect(c, p, n, "\r\n", &whole);
    if (!whole) return used;
    c->remaining = strtoul(c->head, NULL, 16);
    c->head_count = 0;
    c->framing = c->remaining ? CHUNK_DATA : TRAILER;
    return used;
  case CHUNK_END:
    used = collect(c, p, n, "\r\n", &whole);
    if (whole) c->head_count = 0, c->framing = CHUNK_SIZE;
    return used;
  case TRAILER:  // an empty one is all that is expected
    used = collect(c, p, n, "\r\n", &whole);
    *ended = whole;
    return used;
  case UNTIL_CLOSE:
    on_stream_bytes(c, p, n, now);
    return n;
  default:
    used = n < c->remaining ? n : c->remaining;
    if (mode == STREAM || mode == ABORT) on_stream_bytes(c, p, used, now);
    c->remaining -= used;
    if (!c->remaining && c->framing == CHUNK_DATA) c->framing = CHUNK_END;
    *ended = !c->remaining && c->framing == LENGTH;
    return used;
  }
}

static void on_bytes(struct connection *c, const char *p, size_t n, uint64_t now) {
  while (n) {
    bool ended = false;
    if (c->state == HEAD) {
      size_t used = collect(c, p, n, "\r\n\r\n", &ended);
      p += used, n -= used;
      if (ended && !on_head(c)) return fail(c, &seen.status, now);
      if (!ended && n) return fail(c, &seen.framing, now);
      ended = ended && c->framing == LENGTH && !c->remaining;
    } else if (c->state == BODY) {
      size_t used = on_body(c, p, n, now, &ended);
      if (!used) return fail(c, &seen.framing, now);
      p += used, n -= used;
    } else {
      return fail(c, &seen.framing, now);
    }
    if (ended && n) return fail(c, &seen.framing, now);
    if (ended) return finish(c, now);
  }
}

static void on_readable(struct connection *c) {
  static char bytes[1 << 18];
  ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  uint64_t now = now_ns();
  if (n > 0) {
    seen.bytes += (uint64_t)n;
    on_bytes(c, bytes, (size_t)n, now);
  } else if (n == 0 && c->state == BODY && c->framing == UNTIL_CLOSE) {
    finish(c, now);
  } else if (c->state == PARKED) {
    close_connection(c);
  } else {
    fail(c, &seen.reset, now);
  }
}

static void on_writable(struct connection *c) {
  if (c->state == CONNECTING) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return fail(c, &seen.connect, now_ns());
  }
  if (c->state == CONNECTING || c->state == SENDING) send_request(c);
}

static void poll_until(uint64_t deadline_ns) {
  static struct epoll_event events[1024];
  uint64_t now = now_ns(), wait = deadline_ns > now ? deadline_ns - now : 0;
  struct timespec pause = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
  int n = epoll_pwait2(epoll, events, 1024, &pause, NULL);
  for (int i = 0; i < n; i++) {
    struct connection *c = events[i].data.ptr;
    if (c->fd >= 0 && events[i].events & EPOLLOUT) on_writable(c);
    if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
  }
}

// --- runs

static void run_rate(double rate, uint64_t end_ns) {
  uint64_t step = (uint64_t)(1e9 / rate), due = now_ns();
  for (int i = RATE_CONNECTIONS; i-- > 0;) free_slots[free_count++] = i;
  while (due < end_ns && budget) {
    while (now_ns() < due) poll_until(due);
    if (free_count) start(&connections[free_slots[--free_count]], due);
    else seen.no_slot++;
    due += step;
  }
}

static void run_open(int count, double ramp_ms, uint64_t end_ns) {
  uint64_t begin = now_ns(), now;
  int opened = 0;
  while ((now = now_ns()) < end_ns && (budget || in_flight)) {
    double share = ramp_ms > 0 ? (double)(now - begin) / (ramp_ms * 1e6) : 1;
    int wanted = share < 1 ? (int)(count * share) : count;
    // A few at a time, so that no listen queue overflows.
    for (int i = 0; i < OPENED_PER_TURN && opened < wanted; i++) start(&connections[opened++], now);
    poll_until(opened < count ? now + 1000000 : end_ns);
    if (once && opened == count && !in_flight && mode != IDLE) return;
  }
}

static void run_leave(int count, double gap_ms) {
  for (int i = 0; i < count; i++) {
    uint64_t next = now_ns() + (uint64_t)(gap_ms * 1e6);
    if (connections[i].state == BODY) connections[i].closed_ns = now_ns();
    close_connection(&connections[i]);
    while (now_ns() < next) poll_until(next);
  }
}

static void read_request(int argc, char **argv) {
  const char *path = option(argc, argv, "--body-file", NULL);
  FILE *f = path ? fopen(path, "r") : NULL;
  if (!f) die("--body-file");
  char *body = malloc(1 << 22);
  if (!body) die("malloc");
  size_t count = fread(body, 1, 1 << 22, f);
  fclose(f);
  const char *header = option(argc, argv, "--header", "User-Agent: bench-load");
  int n = asprintf(&request,
                   "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                   "Accept: application/json\r\nUser-Agent: OpenAI/Python 2.8.0\r\n"
                   "X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 2.8.0\r\n"
                   "X-Stainless-Retry-Count: 0\r\n%s\r\nContent-Length: %zu\r\n\r\n",
                   option(argc, argv, "--path", "/v1/chat/completions"), port, header, count);
  request = realloc(request, (size_t)n + count);
  if (n < 0 || !request) die("realloc");
  memcpy(request + n, body, count);
  request_bytes = (size_t)n + count;
  free(body);
}

static void print_histogram(const char *name, const struct histogram *h) {
  printf("\"%s\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p95\":%.1f,"
         "\"p99\":%.1f,\"max\":%.1f},", name,
         h->total ? (double)h->sum / (double)h->total / 1e3 : 0.0, quantile_us(h, .5),
         quantile_us(h, .9), quantile_us(h, .95), quantile_us(h, .99), (double)h->max / 1e3);
}

static void print_results(double seconds, int count, uint64_t unfinished) {
#define FIELD(name, value) printf("\"" name "\":%lu,", (unsigned long)(value))
  printf("{\"seconds\":%.4f,", seconds);
  FIELD("started", seen.started);
  FIELD("completed", seen.completed);
  FIELD("unfinished", unfinished);
  FIELD("connects", seen.connects);
  FIELD("chunks", seen.chunks);
  FIELD("comments", seen.comments);
  FIELD("bytes", seen.bytes);
  FIELD("errors", seen.connect + seen.status + seen.reset + seen.framing + seen.order +
                      seen.chunk_count + seen.no_done + seen.in_band + seen.no_slot);
  printf("\"error_kinds\":{");
  FIELD("connect", seen.connect);
  FIELD("status", seen.status);
  FIELD("reset", seen.reset);
  FIELD("framing", seen.framing);
  FIELD("order", seen.order);
  FIELD("chunk_count", seen.chunk_count);
  FIELD("no_done", seen.no_done);
  FIELD("in_band", seen.in_band);
  printf("\"no_slot\":%lu},", (unsigned long)seen.no_slot);
#undef FIELD
  print_histogram("latency_us", &latency);
  print_histogram("first_chunk_us", &first_chunk);
  print_histogram("chunk_age_us", &chunk_age);
  printf("\"left\":[");
  for (int i = 0, n = 0; i < count; i++)
    if (connections[i].closed_ns)
      printf("%s[%lu,%lu]", n++ ? "," : "", (unsigned long)connections[i].stream,
             (unsigned long)connections[i].closed_ns);
  printf("]}\n");
}

int main(int argc, char **argv) {
  static const char *const names[] = {"unary", "stream", "rate", "idle", "abort"};
  process_setup();
  const char *name = option(argc, argv, "--mode", "unary");
  for (mode = UNARY; mode < ABORT && strcmp(names[mode], name); mode++) {}
  port = (int)number_option(argc, argv, "--port", 0);
  chunks_expected = (uint32_t)number_option(argc, argv, "--expect-chunks", 0);
  once = mode == IDLE || mode == ABORT || number_option(argc, argv, "--once", 0) > 0;
  double limit = number_option(argc, argv, "--count", 0);
  if (limit > 0) budget = (uint64_t)limit;
  int count = mode == RATE ? RATE_CONNECTIONS : (int)number_option(argc, argv, "--conns", 64);
  read_request(argc, argv);

  epoll = epoll_create1(EPOLL_CLOEXEC);
  connections = calloc((size_t)count, sizeof *connections);
  free_slots = calloc((size_t)count, sizeof *free_slots);
  char *heads = malloc((size_t)count * HEAD_BYTES_MAX);  // pages are touched only as far as used
  if (!connections || !free_slots || !heads) die("malloc");
  for (int i = 0; i < count; i++) {
    connections[i].fd = -1;
    connections[i].head = heads + (size_t)i * HEAD_BYTES_MAX;
  }

  uint64_t begin = now_ns();
  uint64_t end = begin + (uint64_t)(number_option(argc, argv, "--seconds", 3) * 1e9);
  if (mode == RATE) run_rate(number_option(argc, argv, "--rate", 200), end);
  else run_open(count, number_option(argc, argv, "--ramp-ms", 0), end);
  stopping = true;
  if (mode == ABORT) run_leave(count, number_option(argc, argv, "--gap-ms", 20));
  double seconds = (double)(now_ns() - begin) / 1e9;
  uint64_t grace_end = now_ns() + (uint64_t)(number_option(argc, argv, "--grace-s", 10) * 1e9);
  while (in_flight && now_ns() < grace_end) poll_until(grace_end);
  print_results(seconds, count, in_flight);
  return 0;
}
