#include "host/core/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 64, ARENA_BLOCK = 16384 };

struct dc_arena_block {
    dc_arena_block *next;
    size_t size, used; /* bytes of `data` */
    unsigned char *data;
};

static dc_arena_block *block_new(size_t bytes)
{
    const size_t size = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
    dc_arena_block *block;

    if (size > SIZE_MAX - 2 * ARENA_ALIGN - sizeof *block)
        return NULL;
    block = malloc(sizeof *block + size + ARENA_ALIGN);
    if (!block)
        return NULL;
    block->next = NULL;
    block->size = size;
    block->used = 0;
    block->data = (unsigned char *)(((uintptr_t)(block + 1) + ARENA_ALIGN - 1) &
                                    ~(uintptr_t)(ARENA_ALIGN - 1));
    return block;
}

void *dc__arena_alloc(dc_arena *arena, size_t bytes)
{
    dc_arena_block *block = arena->current;
    const size_t need =
        bytes ? (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1) : ARENA_ALIGN;
    unsigned char *memory;

    if (need < bytes)
        return NULL;
    while (block && block->size - block->used < need) {
        block = block->next; /* kept from an earlier call and reset */
        if (block)
            arena->current = block;
    }
    if (!block) {
        block = block_new(need);
        if (!block)
            return NULL;
        if (arena->current)
            arena->current->next = block;
        else
            arena->first = block;
        arena->current = block;
    }
    memory = block->data + block->used;
    block->used += need;
    return memset(memory, 0, need);
}

void dc__arena_reset(dc_arena *arena)
{
    for (dc_arena_block *block = arena->first; block; block = block->next)
        block->used = 0;
    arena->current = arena->first;
}

void dc__arena_free(dc_arena *arena)
{
    dc_arena_block *block = arena->first;

    while (block) {
        dc_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->first = arena->current = NULL;
}
