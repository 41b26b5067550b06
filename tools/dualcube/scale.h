/* The scale subcommand, in parts: what was asked for, fitting, applying. */
#ifndef DC_TOOLS_SCALE_H
#define DC_TOOLS_SCALE_H

#include "tools/dualcube/cli.h"
#include "tools/dualcube/npy.h"
#include "tools/dualcube/outfile.h"
#include "tools/dualcube/session.h"
#include "tools/dualcube/ui.h"

/* What is fitted, by the names of --method. */
enum {
    SCALE_STANDARD,
    SCALE_MIN_MAX,
    SCALE_MAX_ABS,
    SCALE_ROBUST,
    SCALE_FILL_MEAN,
    SCALE_FILL_MEDIAN,
    SCALE_OUTLIERS,
    SCALE_METHODS
};

typedef struct scale_job {
    const char *input;  /* .npy: axis 0 are rows, the others columns */
    const char *model;  /* model file: written by fit, read by apply and inverse */
    const char *output; /* .npy of apply and inverse */
    int inverse, method;
    session_options where;
    int64_t memory; /* bytes of the chunks of rows, in and out */
    npy_file file;
    int32_t dtype; /* computed in: DC_F32 or DC_F64 */
    int convert;   /* the file's elements must be copied: another type or order */
    int64_t rows, columns;
    session session;
    ui_progress progress;
    int64_t done; /* rows */
    const char *doing;
} scale_job;

/* Map the input and see what is in it. */
int scale_open(scale_job *job);

/* Rows [first, last) as (rows, columns); `room` receives them where they must be copied. */
dc_array scale_rows(const scale_job *job, int64_t first, int64_t last, void *room);

/* Rows of a chunk, when a row of it takes so many bytes. */
int64_t scale_chunk(const scale_job *job, int64_t row_bytes);

/* Learn from the input; 0 and a model, or an exit code after a message. */
int scale_fit(scale_job *job, dc_model **model);

/* Put the model's numbers to every row of the input. */
int scale_apply(scale_job *job, const dc_model *model, outfile *out);

#endif
