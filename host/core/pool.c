#include "host/core/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Classes: four per power of two from 256 bytes on, so that at most a quarter is wasted. */
enum { POOL_SHIFT = 8, POOL_STEPS = 4, POOL_CLASSES = (63 - POOL_SHIFT) * POOL_STEPS };

typedef struct cached {
    struct cached *next;
    void *memory;
} cached;

struct dc_pool {
    pthread_mutex_t lock;
    dc_pool_source source;
    cached *list[POOL_CLASSES];
    int64_t in_use, idle, peak, cap, requests, hits, failures;
};

/* Class of a request and the bytes it grants; -1 when too large for any. */
static int class_of(size_t bytes, size_t *granted)
{
    int shift = POOL_SHIFT;

    if (bytes > (size_t)1 << 61)
        return -1;
    while (((size_t)2 << shift) < bytes)
        ++shift;
    for (int step = 0; step < POOL_STEPS; ++step) {
        const size_t size = ((size_t)1 << shift) / POOL_STEPS * (size_t)(POOL_STEPS + step);
        if (size >= bytes) {
            *granted = size;
            return (shift - POOL_SHIFT) * POOL_STEPS + step;
        }
    }
    *granted = (size_t)2 << shift;
    return (shift + 1 - POOL_SHIFT) * POOL_STEPS;
}

dc_status dc__pool_new(const dc_pool_source *source, dc_pool **out)
{
    dc_pool *pool = calloc(1, sizeof *pool);

    DC_REQUIRE(pool, DC_E_MEMORY, "no memory for the %s pool", source->name);
    pthread_mutex_init(&pool->lock, NULL);
    pool->source = *source;
    *out = pool;
    return DC_OK;
}

/* Give every idle block back.  The lock is held. */
static void trim_locked(dc_pool *pool)
{
    for (int c = 0; c < POOL_CLASSES; ++c) {
        size_t size = 0;

        if (!pool->list[c])
            continue;
        size = ((size_t)1 << (c / POOL_STEPS + POOL_SHIFT)) / POOL_STEPS *
               (size_t)(POOL_STEPS + c % POOL_STEPS);
        while (pool->list[c]) {
            cached *entry = pool->list[c];
            pool->list[c] = entry->next;
            pool->source.raw_free(pool->source.user, entry->memory, size);
            pool->idle -= (int64_t)size;
            free(entry);
        }
    }
}

void dc__pool_free(dc_pool *pool)
{
    if (!pool)
        return;
    trim_locked(pool);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static dc_status get_locked(dc_pool *pool, size_t size, int c, void **memory)
{
    cached *entry = pool->list[c];

    ++pool->requests;
    if (entry) {
        pool->list[c] = entry->next;
        *memory = entry->memory;
        free(entry);
        pool->idle -= (int64_t)size;
        ++pool->hits;
    } else {
        if (pool->cap && pool->in_use + pool->idle + (int64_t)size > pool->cap)
            trim_locked(pool);
        DC_REQUIRE(!pool->cap || pool->in_use + (int64_t)size <= pool->cap, DC_E_MEMORY,
                   "%s pool: %zu bytes more would exceed its cap of %lld (%lld in use)",
                   pool->source.name, size, (long long)pool->cap, (long long)pool->in_use);
        *memory = pool->source.raw_new(pool->source.user, size);
        if (!*memory && pool->idle) {
            trim_locked(pool);
            *memory = pool->source.raw_new(pool->source.user, size);
        }
        if (!*memory)
            return DC_E_MEMORY; /* the source has set the text */
    }
    pool->in_use += (int64_t)size;
    if (pool->in_use > pool->peak)
        pool->peak = pool->in_use;
    return DC_OK;
}

dc_status dc__pool_get(dc_pool *pool, size_t bytes, void **memory, size_t *granted)
{
    size_t size = 0;
    const int c = class_of(bytes, &size);
    dc_status status;

    DC_REQUIRE(c >= 0 && c < POOL_CLASSES, DC_E_MEMORY,
               "%s pool: %zu bytes are more than any memory", pool->source.name, bytes);
    pthread_mutex_lock(&pool->lock);
    status = get_locked(pool, size, c, memory);
    if (status != DC_OK)
        ++pool->failures;
    pthread_mutex_unlock(&pool->lock);
    if (status == DC_OK)
        *granted = size;
    return status;
}

void dc__pool_put(dc_pool *pool, void *memory, size_t granted)
{
    size_t size = 0;
    const int c = class_of(granted, &size);
    cached *entry;

    if (!memory)
        return;
    entry = malloc(sizeof *entry);
    pthread_mutex_lock(&pool->lock);
    pool->in_use -= (int64_t)granted;
    if (!entry || (pool->cap && pool->in_use + pool->idle + (int64_t)granted > pool->cap)) {
        pool->source.raw_free(pool->source.user, memory, granted);
        free(entry);
    } else {
        entry->memory = memory;
        entry->next = pool->list[c];
        pool->list[c] = entry;
        pool->idle += (int64_t)granted;
    }
    pthread_mutex_unlock(&pool->lock);
}

void dc__pool_stats(dc_pool *pool, dc_pool_stats *stats)
{
    pthread_mutex_lock(&pool->lock);
    stats->in_use_bytes = pool->in_use;
    stats->cached_bytes = pool->idle;
    stats->peak_bytes = pool->peak;
    stats->cap_bytes = pool->cap;
    stats->requests = pool->requests;
    stats->hits = pool->hits;
    stats->failures = pool->failures;
    pthread_mutex_unlock(&pool->lock);
}

void dc__pool_cap(dc_pool *pool, int64_t bytes)
{
    pthread_mutex_lock(&pool->lock);
    pool->cap = bytes > 0 ? bytes : 0;
    if (pool->cap && pool->in_use + pool->idle > pool->cap)
        trim_locked(pool);
    pthread_mutex_unlock(&pool->lock);
}

void dc__pool_trim(dc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    trim_locked(pool);
    pthread_mutex_unlock(&pool->lock);
}
