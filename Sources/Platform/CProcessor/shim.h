#pragma once
/* What the compiler knows of the processor and Swift has no word for. */

/* Asks for a cache line that is read soon; any address will do. */
static inline void shim_prefetch(const void *address) { __builtin_prefetch(address); }
