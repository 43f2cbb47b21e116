#pragma once
/* The GNU allocator's own functions, which the module Glibc leaves out. */
#include <malloc.h>
