// libuv and libc: casts between handle types that Swift will not make, and stderr.
#ifndef CUV_UV_SHIM_H
#define CUV_UV_SHIM_H

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

// One allocation per TCP connection: the handle. The write request is made when the kernel takes less than it is given.
typedef struct {
  uv_tcp_t tcp;
} cuv_tcp_block;

// One allocation per connection attempt.
typedef struct {
  uv_connect_t connect;
} cuv_connect_block;

static inline uv_stream_t *cuv_stream(uv_tcp_t *tcp) { return (uv_stream_t *)tcp; }
static inline uv_handle_t *cuv_tcp_handle(uv_tcp_t *tcp) { return (uv_handle_t *)tcp; }
static inline uv_handle_t *cuv_timer_handle(uv_timer_t *timer) { return (uv_handle_t *)timer; }
static inline uv_handle_t *cuv_signal_handle(uv_signal_t *signal) { return (uv_handle_t *)signal; }
static inline uv_handle_t *cuv_async_handle(uv_async_t *async) { return (uv_handle_t *)async; }
static inline uv_handle_t *cuv_poll_handle(uv_poll_t *poll) { return (uv_handle_t *)poll; }
static inline uv_handle_t *cuv_check_handle(uv_check_t *check) { return (uv_handle_t *)check; }
static inline uv_req_t *cuv_getaddrinfo_request(uv_getaddrinfo_t *request) { return (uv_req_t *)request; }
static inline const struct sockaddr *cuv_sockaddr(const struct sockaddr_storage *s) { return (const struct sockaddr *)s; }
static inline void *cuv_loop_data(const uv_handle_t *handle) { return handle->loop->data; }

// RLIMIT_NOFILE is an enum constant in glibc that Swift imports with an unusable type.
static inline int cuv_get_descriptor_limit(struct rlimit *limit) { return getrlimit(RLIMIT_NOFILE, limit); }
static inline int cuv_set_descriptor_limit(const struct rlimit *limit) { return setrlimit(RLIMIT_NOFILE, limit); }

#endif
