/* Bump allocator: everything a plan needs, freed at once, its blocks kept for the next call. */
#ifndef DC_CORE_ARENA_H
#define DC_CORE_ARENA_H

#include <stddef.h>

#include "host/core/error.h"

typedef struct dc_arena_block dc_arena_block;
typedef struct dc_arena {
    dc_arena_block *first, *current;
} dc_arena;

/* Zeroed memory, 64-byte aligned; NULL when out of memory.  Valid until reset or free. */
DC_MODULE void *dc__arena_alloc(dc_arena *arena, size_t bytes);
DC_MODULE void dc__arena_reset(dc_arena *arena);
DC_MODULE void dc__arena_free(dc_arena *arena);

#endif
