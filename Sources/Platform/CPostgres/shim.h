#pragma once
#include <libpq-fe.h>
#include <spawn.h>

// glibc shows these with _GNU_SOURCE only, which Swift's Glibc module is built without; the embedded server is started with them.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *__restrict, const char *__restrict);
