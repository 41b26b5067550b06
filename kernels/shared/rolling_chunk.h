/* What all rolling kernels share on a device: launches, chunks, tiles, series.  OpenCL C. */
#ifndef DC_SHARED_ROLLING_CHUNK_H
#define DC_SHARED_ROLLING_CHUNK_H

#include "kernels/shared/rolling.h"

/* A launch is a line of groups: `fast` positions in groups of 64 items for each `slow` position. */
typedef struct dc_place {
    dc_i64 fast, slow;
} dc_place;

static inline dc_place dc_place_of(dc_i64 fast)
{
    const dc_i64 size = (dc_i64)get_local_size(0), groups = (fast + size - 1) / size;
    const dc_i64 group = (dc_i64)get_group_id(0);
    dc_place at;
    at.slow = group / groups;
    at.fast = (group - at.slow * groups) * size + (dc_i64)get_local_id(0);
    return at;
}

/* What a launch covers: series series0 ... + nseries, outputs first ... + count. */
enum { DC_PASS_LAST = 1, DC_PASS_ROW_FAST = 2 };
typedef struct dc_chunk {
    dc_i64 pass, flags, series0, nseries, first, count;
    dc_i64 low;  /* first row that a window of the chunk needs         */
    dc_i64 rows; /* rows from `low` to the newest row of the last window */
    dc_i64 lead; /* newest row of the first window, from `low`           */
} dc_chunk;

static inline dc_chunk dc_chunk_of(const dc_rolling_args *args, const dc_launch *part)
{
    dc_chunk c;
    dc_i64 newest;

    c.pass = part->p[0] & 255;
    c.flags = part->p[0] >> 8 & 255;
    c.count = part->p[0] >> 16;
    c.series0 = part->p[1];
    c.nseries = part->p[2];
    c.first = part->p[3];
    newest = args->out_first + c.first * args->step + args->shift;
    c.low = args->expanding ? 0 : newest - args->window + 1;
    c.low = c.low < 0 ? 0 : c.low;
    c.lead = newest - c.low;
    c.rows = c.lead + (c.count - 1) * args->step + 1;
    return c;
}

/* The tile of a group: p[0] outputs of p[1] = 2^k neighbouring series.  All series of a block of
 * outputs first. */
static inline dc_chunk dc_tile_of(const dc_rolling_args *args, const dc_launch *part)
{
    const dc_i64 lanes = part->p[1], bunches = (args->series + lanes - 1) / lanes;
    const dc_i64 group = (dc_i64)get_group_id(0), block = group / bunches;
    dc_launch where;

    where.p[1] = (group - block * bunches) * lanes;
    where.p[2] = min(args->series - where.p[1], lanes);
    where.p[3] = block * part->p[0];
    where.p[0] = min(args->out_rows - where.p[3], part->p[0]) << 16;
    return dc_chunk_of(args, &where);
}

/* Element offset of value 0 of series s. */
static inline dc_i64 dc_series_offset(const dc_rolling_args *args, int of_dst, dc_i64 s)
{
    dc_i64 offset = 0;

    for (int d = args->ndim - 1; d > 0; d--) {
        const dc_i64 n = args->shape[d], rest = s / n;
        offset += (s - rest * n) * (of_dst ? args->dst_stride[d] : args->src_stride[d]);
        s = rest;
    }
    return offset + s * (of_dst ? args->dst_stride[0] : args->src_stride[0]);
}

#endif
