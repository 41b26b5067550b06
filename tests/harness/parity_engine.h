/* Parts of the engine that its files share. */
#ifndef DCT_PARITY_ENGINE_H
#define DCT_PARITY_ENGINE_H

#include "tests/harness/parity_case.h"
#include "tests/harness/parity_memory.h"

enum { DCT_MODE_HOST = 0, DCT_MODE_CHUNKED = 1, DCT_MODE_BUFFER = 2 };
enum { DCT_MAX_RUNNERS = 64 };

/* One way to run a case. */
typedef struct dct_runner {
    dc_queue *queue;
    int32_t mode, kind; /* DCT_MODE_*, DC_DEVICE_* */
    int32_t isa, threads, checks, exact;
    int32_t one_in;   /* run every n-th case only (launches are dear) */
    char id[32];      /* "cpu", "opencl:0" */
    char device[200]; /* label of the report's cell */
    char text[240];   /* "cpu avx2, 3 threads, chunked" */
} dct_runner;

typedef struct dct_engine {
    const dct_parity_options *options;
    dct_parity_report *report;
    FILE *log;
    dc_context *context;
    dct_runner runner[DCT_MAX_RUNNERS]; /* 0: the reference */
    int32_t nrunners;
    dc_queue *queue[DCT_MAX_RUNNERS];
    int32_t nqueues;
    dct_region in[DCT_MAX_ARRAYS], out[DCT_MAX_ARRAYS];
    unsigned char *expected[DCT_MAX_ARRAYS], *got;
    size_t dense_room;
} dct_engine;

/* Open every queue that the options ask for; DC_OK, or the exit code with the reason logged. */
int dct_runners_open(dct_engine *e);
void dct_runners_close(dct_engine *e);

/* Run; the outputs are in the regions afterwards. */
dc_status dct_execute(dct_engine *e, dct_case *c, const dct_family *family, const dct_runner *r);
/* Did the last call run where it was asked to?  Else the comparison says nothing. */
int dct_ran_here(dct_engine *e, const dct_case *c, const dct_runner *r);
/* Apply the planted defect, if any. */
void dct_plant(dct_engine *e, dct_case *c);
/* Report a failure of a case. */
void dct_fail(dct_engine *e, const dct_case *c, const dct_runner *r, const char *what);

dct_parity_cell *dct_report_cell(dct_parity_report *report, const dct_case *c, const char *device);

#endif
