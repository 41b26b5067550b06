/* The features subcommand, in parts: what was asked for, computing it, telling about it. */
#ifndef DC_TOOLS_FEATURES_H
#define DC_TOOLS_FEATURES_H

#include "tools/dualcube/cli.h"
#include "tools/dualcube/npy.h"
#include "tools/dualcube/outfile.h"
#include "tools/dualcube/session.h"

enum { FEATURES_ROOM = 64 };

/* One statistic: its row in the registry, its parameters, and how it went. */
typedef struct feature {
    dc_op_info op;
    dc_rolling_params params;
    char name[64];   /* "quantile_0.9" */
    dc_run_info run; /* of the last chunk */
    double seconds;
    int64_t calls, calls_elsewhere; /* elsewhere: on another device than the last chunk */
    int64_t fallbacks;
} feature;

typedef struct features_job {
    const char *input; /* as the user typed it, or the sample's path */
    char output[4096]; /* .npy */
    char json[4096];   /* beside it */
    char page[4096];   /* "" : none wanted */
    char sample[4096]; /* the built-in sample that was written, "" : an input was given */
    int page_asked;    /* by name: a missing page is a failure */
    int print_json;    /* facts to stdout as JSON, too */
    session_options where;
    int32_t axis;   /* of the file: the time */
    int32_t dtype;  /* to compute with, 0: the file's, float64 for integers */
    int64_t memory; /* bytes of a chunk's planes */
    npy_file file;
    npy_type type; /* of the output: NPY_F32 or NPY_F64 */
    int convert;   /* the file's elements are of another type */
    int64_t rows, columns, out_rows;
    feature feature[FEATURES_ROOM];
    int count;
    session session;
    double seconds; /* the whole run, reading and writing included */
} features_job;

/* Compute every statistic and write the cube's elements; 0, or an exit code after a message. */
int features_compute(features_job *job, outfile *out);

/* Plan every call without running: what is wrong with the parameters is said before anything is
 * written. */
int features_check(features_job *job);

/* The facts as JSON text to be freed, NULL when out of memory. */
char *features_json(const features_job *job);

/* What a person wants to know, on stdout. */
void features_print(const features_job *job);

/* Ask the Python package for the page.  0, or an exit code after a message when the page was asked
 * for by name; else a missing page is said in one line.  *written says whether it is there. */
int features_page(const features_job *job, int *written);

#endif
