// What the three programs share: clock, descriptor limit, loopback sockets, fixed-width digits.
#ifndef BENCH_H
#define BENCH_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// The digits every stream chunk carries: "s0000012 w00003 @0000123456789012".
// The clock is machine-wide, so a client here can tell how old a chunk is.
enum { STREAM_DIGITS = 7, SEQUENCE_DIGITS = 5, CLOCK_DIGITS = 16 };

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void die(const char *what) {
  perror(what);
  exit(1);
}

static inline void process_setup(void) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static inline struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline void no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static inline int tcp_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) no_delay(fd);
  return fd;
}

// Listens on loopback; port 0 lets the kernel choose. Returns the descriptor, *port the port.
static inline int listen_on(int *port) {
  int fd = tcp_socket(), one = 1;
  struct sockaddr_in at = loopback(*port);
  socklen_t length = sizeof at;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) die("listen");
  getsockname(fd, (struct sockaddr *)&at, &length);
  *port = ntohs(at.sin_port);
  return fd;
}

static inline void epoll_set(int epoll, int operation, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(epoll, operation, fd, &event)) die("epoll_ctl");
}

static inline void put_digits(char *at, int width, uint64_t value) {
  for (int i = width - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
}

static inline uint64_t get_digits(const char *at, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; i++) value = value * 10 + (uint64_t)(at[i] - '0');
  return value;
}

// Command lines are "--name value" pairs; the value of `name`, or `otherwise`.
static inline const char *option(int argc, char **argv, const char *name, const char *otherwise) {
  for (int i = 1; i + 1 < argc; i += 2)
    if (!strcmp(argv[i], name)) return argv[i + 1];
  return otherwise;
}

static inline double number_option(int argc, char **argv, const char *name, double otherwise) {
  const char *text = option(argc, argv, name, NULL);
  return text ? atof(text) : otherwise;
}

#endif
