#include "tests/harness/parity_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness/parity_case.h"

/* Sentinel bytes on each side of an array. */
enum { MARGIN = 192 };

int dct_region_new(dct_region *region, size_t bytes)
{
    memset(region, 0, sizeof *region);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    region->room_bytes = (bytes + page - 1) / page * page;
    region->map_bytes = region->room_bytes + 2 * page;
    void *map = mmap(NULL, region->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return -1;
    region->map = map;
    region->room = region->map + page;
    if (mprotect(region->room, region->room_bytes, PROT_READ | PROT_WRITE) != 0) {
        dct_region_free(region);
        return -1;
    }
    return 0;
}

void dct_region_free(dct_region *region)
{
    if (region->map)
        munmap(region->map, region->map_bytes);
    free(region->copy);
    memset(region, 0, sizeof *region);
}

/* No two neighbouring bytes alike, no float32 or float64 made of them looks like data. */
static void sentinels(unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(0xA5U ^ (i * 37U) ^ (i >> 8));
}

int dct_region_place(dct_region *region, dc_array *array, int at_end, int misaligned)
{
    int64_t low, high;
    dct_extent(array, &low, &high);
    const size_t size = dc_dtype_bytes(array->dtype);
    const size_t bytes = (size_t)(high - low) * size;
    /* Room for the margin, the array and the bytes that spoil its alignment. */
    const size_t need = bytes + (size_t)MARGIN + 64;
    if (need > region->room_bytes)
        return -1;
    unsigned char *first;
    if (at_end) {
        first = region->room + region->room_bytes - bytes - (size_t)misaligned;
        region->used = region->room + region->room_bytes - need;
    } else {
        first = region->room + misaligned;
        region->used = region->room;
    }
    region->used_bytes = need;
    sentinels(region->used, need);
    region->element0 = first + (size_t)(-low) * size;
    /* The view may also say where element 0 is by its offset; half of the arrays do. */
    array->buffer = NULL;
    array->offset = misaligned % 2 || at_end ? -low : 0;
    array->data = region->element0 - (size_t)array->offset * size;
    return 0;
}

int dct_region_keep(dct_region *region)
{
    if (region->copy_room < region->used_bytes) {
        unsigned char *copy = realloc(region->copy, region->used_bytes);
        if (!copy)
            return -1;
        region->copy = copy;
        region->copy_room = region->used_bytes;
    }
    memcpy(region->copy, region->used, region->used_bytes);
    return 0;
}

void dct_region_restore(dct_region *region)
{
    memcpy(region->used, region->copy, region->used_bytes);
}

long long dct_region_changed(const dct_region *region)
{
    if (memcmp(region->used, region->copy, region->used_bytes) == 0)
        return -1;
    for (size_t i = 0; i < region->used_bytes; i++)
        if (region->used[i] != region->copy[i])
            return (long long)i;
    return -1;
}

int dct_region_protect(dct_region *region, int read_only)
{
    return mprotect(region->room, region->room_bytes,
                    read_only ? PROT_READ : PROT_READ | PROT_WRITE);
}

void dct_region_gather(dct_region *region, const dc_array *array, unsigned char *dense, int erase)
{
    const size_t size = dc_dtype_bytes(array->dtype);
    dct_walk walk;
    for (dct_walk_begin(&walk, array); walk.left > 0; dct_walk_step(&walk, array)) {
        unsigned char *at = region->element0 + walk.at * (int64_t)size;
        memcpy(dense, at, size);
        dense += size;
        if (erase)
            memcpy(at, region->copy + (at - region->used), size);
    }
}
