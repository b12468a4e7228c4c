// Processes: words that several of them share, and calls that Swift cannot make by itself
// (variadic functions, macros of the wait status).
#ifndef CUV_PROCESS_SHIM_H
#define CUV_PROCESS_SHIM_H

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// C11 atomics on words of a shared mapping. Relaxed where one process writes and others only look;
// sequentially consistent where several decide by the same word.
static inline uint64_t cuv_word_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
static inline void cuv_word_store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELAXED); }
static inline uint64_t cuv_word_load_ordered(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void cuv_word_store_ordered(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
static inline uint64_t cuv_word_add(uint64_t *word, uint64_t value) { return __atomic_add_fetch(word, value, __ATOMIC_SEQ_CST); }
static inline uint64_t cuv_word_subtract(uint64_t *word, uint64_t value) { return __atomic_sub_fetch(word, value, __ATOMIC_SEQ_CST); }
static inline bool cuv_word_compare_exchange(uint64_t *word, uint64_t *expected, uint64_t desired) {
  return __atomic_compare_exchange_n(word, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
// What was written before the first is seen by whoever passes the second behind what was written after it.
static inline void cuv_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
static inline void cuv_fence_acquire(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }

// Memory with a descriptor and no name; Swift does not see glibc's declaration without _GNU_SOURCE.
static inline int cuv_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */); }

// A copy of a descriptor at `floor` or above that children do not inherit by themselves.
static inline int cuv_lift_descriptor(int descriptor, int floor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, floor); }
static inline int cuv_set_close_on_exec(int descriptor) { return fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

// What `ps` and `pgrep` show for this process.
static inline int cuv_set_process_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// How a child ended: its code, or 128 and the signal's number as shells say it.
static inline int cuv_exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

// A child gets the signals that its parent had blocked or ignored as they were at boot.
static inline int cuv_spawn_reset_signals(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  int code = posix_spawnattr_setsigmask(attributes, &none);
  if (code == 0) code = posix_spawnattr_setsigdefault(attributes, &all);
  if (code == 0) code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return code;
}

// Behind the above: the child gets a session of its own, without a terminal. The flag is
// POSIX_SPAWN_SETSID, which glibc shows with _GNU_SOURCE only.
static inline int cuv_spawn_new_session(posix_spawnattr_t *attributes) {
  short flags = 0;
  posix_spawnattr_getflags(attributes, &flags);
  return posix_spawnattr_setflags(attributes, flags | 0x80);
}

#endif
