/* The job of `dualcube transform`: one file rearranged, smoothed or scaled into another. */
#ifndef DC_TOOLS_TRANSFORM_H
#define DC_TOOLS_TRANSFORM_H

#include "tools/dualcube/npy.h"
#include "tools/dualcube/outfile.h"
#include "tools/dualcube/session.h"

/* What the words of the command stand for. */
typedef struct transform_verb {
    const char *name, *op; /* "transpose", "transform_copy" */
    int moves;             /* any dtype: bits are moved; else float32, float64, integers float64 */
    const char *about;
} transform_verb;

typedef struct transform_job {
    const transform_verb *verb;
    dc_op_info op;
    const char *input, *output;
    session_options where;
    session session;
    int64_t memory; /* bytes of input and output that are worked on at a time */
    int print_json;

    /* What was asked for, axes as written. */
    int64_t axes[DC_MAX_NDIM], shift[DC_MAX_NDIM];
    int naxes, nshift; /* 0: not given */
    int64_t periods;
    double number[5]; /* fill, scale, offset, low, high */
    int given[5];
    dc_smooth_params smooth;

    npy_file file;
    npy_type type; /* of the output */
    dc_array src;  /* the file, its axes arranged as the output's where bits are only moved */
    int64_t shape[DC_MAX_NDIM];
    int64_t block[DC_MAX_NDIM]; /* extents of what is computed at a time */
    int32_t bound;              /* bit d: axis d must stay whole */
    char *map;                  /* the output file */
    size_t head, map_bytes;
    dc_run_info run; /* of the last block */
    int64_t calls;
    double seconds;
} transform_job;

enum { TRANSFORM_FILL, TRANSFORM_SCALE, TRANSFORM_OFFSET, TRANSFORM_LOW, TRANSFORM_HIGH };

/* Axes, shape, blocks: CLI_USAGE after a message. */
int transform_arrange(transform_job *job);
/* Compute every block into the mapped output. */
int transform_compute(transform_job *job);

#endif
