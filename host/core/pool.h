/* Buffer pool: size classes, statistics, a hard cap, trim.  One for host memory per context, one
 * for pinned and one for device memory per device.  Thread-safe. */
#ifndef DC_CORE_POOL_H
#define DC_CORE_POOL_H

#include "dualcube/queue.h"
#include "host/core/error.h"

typedef struct dc_pool dc_pool;

/* Raw allocator below a pool.  `raw_new` returns NULL with the error text set on failure. */
typedef struct dc_pool_source {
    void *(*raw_new)(void *user, size_t bytes);
    void (*raw_free)(void *user, void *memory, size_t bytes);
    void *user;
    const char *name; /* "host", "pinned", "device": for the error text */
} dc_pool_source;

DC_MODULE dc_status dc__pool_new(const dc_pool_source *source, dc_pool **out);
DC_MODULE void dc__pool_free(dc_pool *pool); /* everything must have been given back */

/* A block of at least `bytes` (its size class: *granted).  Tries the cache, then the source; on
 * failure of the source trims and tries once more. */
DC_MODULE dc_status dc__pool_get(dc_pool *pool, size_t bytes, void **memory, size_t *granted);
DC_MODULE void dc__pool_put(dc_pool *pool, void *memory, size_t granted);
DC_MODULE void dc__pool_stats(dc_pool *pool, dc_pool_stats *stats);
DC_MODULE void dc__pool_cap(dc_pool *pool, int64_t bytes);
DC_MODULE void dc__pool_trim(dc_pool *pool);

#endif
