// The floor: joins every client connection to a TLS connection of its own and copies bytes both
// ways. It parses, pools and counts nothing: what it costs is system calls and TLS records.
//
//   relay --port P --upstream-port P
#define _GNU_SOURCE
#include <openssl/ssl.h>
#include <poll.h>

#include "bench.h"

struct pair;
struct side { int fd; bool is_upstream; struct pair *pair; };
struct pair {
  struct side client, upstream;
  SSL *ssl;
  bool ready, write_watched, closed;
  char *early;  // what the client sent before the handshake was over
  size_t early_count;
  struct pair *next_dead;
};

static int epoll, upstream_port;
static SSL_CTX *tls;
static SSL_SESSION *session;
static struct pair *dead;

static int keep_session(SSL *ssl, SSL_SESSION *fresh) {
  (void)ssl;
  SSL_SESSION_free(session);
  session = fresh;
  return 1;
}

// A full socket is waited for: queues and back-pressure are what this program leaves out.
static void wait_writable(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  poll(&p, 1, 1000);
}

static bool to_upstream(struct pair *p, const char *bytes, size_t count) {
  while (count) {
    int n = SSL_write(p->ssl, bytes, (int)count);
    if (n <= 0 && SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_WRITE) return false;
    if (n <= 0) wait_writable(p->upstream.fd);
    else bytes += n, count -= (size_t)n;
  }
  return true;
}

static bool to_client(struct pair *p, const char *bytes, size_t count) {
  while (count) {
    ssize_t n = send(p->client.fd, bytes, count, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) wait_writable(p->client.fd);
    else bytes += n, count -= (size_t)n;
  }
  return true;
}

static void open_pair(int client) {
  struct pair *p = calloc(1, sizeof *p);
  struct sockaddr_in at = loopback(upstream_port);
  if (!p) die("calloc");
  no_delay(client);
  p->client = (struct side){client, false, p};
  p->upstream = (struct side){tcp_socket(), true, p};
  p->write_watched = true;
  if (connect(p->upstream.fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS)
    die("connect");
  p->ssl = SSL_new(tls);
  SSL_set_fd(p->ssl, p->upstream.fd);
  SSL_set_connect_state(p->ssl);
  if (session) SSL_set_session(p->ssl, session);
  epoll_set(epoll, EPOLL_CTL_ADD, p->upstream.fd, EPOLLIN | EPOLLOUT, &p->upstream);
  epoll_set(epoll, EPOLL_CTL_ADD, client, EPOLLIN | EPOLLRDHUP, &p->client);
}

static void close_pair(struct pair *p) {
  p->closed = true;
  SSL_set_quiet_shutdown(p->ssl, 1);  // keeps the session fit for resumption
  SSL_shutdown(p->ssl);
  SSL_free(p->ssl);
  close(p->client.fd);
  close(p->upstream.fd);
  free(p->early);
  p->next_dead = dead;
  dead = p;
}

static bool shake_hands(struct pair *p, bool *pending) {
  int done = SSL_do_handshake(p->ssl);
  int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(p->ssl, done);
  *pending = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  if (error != SSL_ERROR_WANT_WRITE && p->write_watched) {
    p->write_watched = false;
    epoll_set(epoll, EPOLL_CTL_MOD, p->upstream.fd, EPOLLIN, &p->upstream);
  }
  if (*pending) return true;
  p->ready = error == SSL_ERROR_NONE;
  return p->ready && to_upstream(p, p->early, p->early_count);
}

static bool from_client(struct pair *p, char *bytes, size_t room) {
  ssize_t n = recv(p->client.fd, bytes, room, 0);
  if (n < 0 && errno == EAGAIN) return true;
  if (n <= 0) return false;
  if (p->ready) return to_upstream(p, bytes, (size_t)n);
  p->early = realloc(p->early, p->early_count + (size_t)n);
  if (!p->early) die("realloc");
  memcpy(p->early + p->early_count, bytes, (size_t)n);
  p->early_count += (size_t)n;
  return true;
}

static bool from_upstream(struct pair *p, char *bytes, size_t room) {
  bool pending = false;
  if (!p->ready && (!shake_hands(p, &pending) || pending)) return pending;
  do {
    int n = SSL_read(p->ssl, bytes, (int)room);
    if (n <= 0) return SSL_get_error(p->ssl, n) == SSL_ERROR_WANT_READ;
    if (!to_client(p, bytes, (size_t)n)) return false;
  } while (SSL_has_pending(p->ssl));
  return true;
}

int main(int argc, char **argv) {
  static struct epoll_event events[512];
  static char bytes[1 << 18];
  process_setup();
  int port = (int)number_option(argc, argv, "--port", 0);
  upstream_port = (int)number_option(argc, argv, "--upstream-port", 0);
  tls = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(tls, 1);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(tls, keep_session);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(&port);
  epoll_set(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
  for (;;) {
    int n = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < n; i++) {
      struct side *side = events[i].data.ptr;
      int client;
      if (!side) {
        while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
          open_pair(client);
        continue;
      }
      struct pair *p = side->pair;
      if (p->closed) continue;
      if (!(side->is_upstream ? from_upstream : from_client)(p, bytes, sizeof bytes)) close_pair(p);
    }
    for (struct pair *p; (p = dead);) {
      dead = p->next_dead;
      free(p);
    }
  }
}
