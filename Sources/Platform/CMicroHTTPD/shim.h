#pragma once
#include <microhttpd.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/// `MHD_start_daemon` is variadic, which Swift cannot call: every option travels in one MHD_OPTION_ARRAY.
static inline struct MHD_Daemon *shim_start_daemon(
    unsigned int flags, MHD_AccessHandlerCallback access, void *context, struct MHD_OptionItem *options) {
  return MHD_start_daemon(flags, 0, NULL, NULL, access, context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/// `MHD_get_connection_info` is variadic: the size in bytes of the request line and headers.
static inline size_t shim_header_size(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return NULL == info ? 0 : info->header_size;
}

/// `MHD_get_connection_info` is variadic: the pointer left by the connection's notification, or NULL.
static inline void *shim_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return NULL == info ? NULL : info->socket_context;
}

/// `MHD_get_connection_info` is variadic: the connection's socket, or -1.
static inline int shim_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return NULL == info ? -1 : info->connect_fd;
}

/// Ends traffic both ways without giving the number back. `SHUT_RDWR` is an enum and a macro naming itself,
/// which Swift does not import reliably.
static inline int shim_shut_down(int socket) { return shutdown(socket, SHUT_RDWR); }

/// `accept4` is declared for GNU sources only, which Swift's importer does not ask for: the next connection, not blocking and
/// not inherited, or -1.
static inline int shim_accept(int socket, struct sockaddr_storage *name, socklen_t *size) {
  return (int)syscall(SYS_accept4, socket, name, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/// What sched_setattr(2) takes, which the C library does not declare, as the kernel first knew it.
struct shim_sched_attr {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

/// How long this thread, and those that it starts, may keep a processor while others wait for it, in nanoseconds; returns what
/// it was before, or 0 where the kernel does not say (before 6.12) or the thread is scheduled by other rules.
static inline uint64_t shim_set_slice(uint64_t nanoseconds) {
  struct shim_sched_attr attributes = {.size = sizeof attributes};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return 0;
  if (attributes.policy != SCHED_OTHER || attributes.runtime == 0) return 0;
  uint64_t before = attributes.runtime;
  attributes.runtime = nanoseconds;
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? before : 0;
}
