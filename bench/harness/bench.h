/* Measuring: operations of the registry against the machine's own floors.  Public headers only. */
#ifndef DCB_BENCH_H
#define DCB_BENCH_H

#include <stdint.h>
#include <stdio.h>

#include "dualcube/dualcube.h"

enum { DCB_LIST = 16, DCB_RUNNERS = 48 };

/* Seconds: the middle sample, the quartiles, how many. */
typedef struct dcb_time {
    double median, low, high;
    int32_t runs;
} dcb_time;

double dcb_now(void);
/* Sorts the samples. */
dcb_time dcb_time_of(double *samples, int32_t n);

/* ---- threads ------------------------------------------------------------------------------ */

typedef struct dcb_team dcb_team;
typedef void (*dcb_work)(int32_t thread, int32_t threads, void *user);
/* Threads that wait for work; NULL when there are none to be had. */
dcb_team *dcb_team_new(int32_t threads);
void dcb_team_free(dcb_team *team);
/* Run `work` once on every thread; seconds from the first to the last. */
double dcb_team_time(dcb_team *team, dcb_work work, void *user);

/* ---- floors ------------------------------------------------------------------------------- */

/* What this machine can do at best with so many threads. */
typedef struct dcb_floor {
    int32_t threads;
    int64_t bytes;               /* of the array that was read or copied: far beyond the caches */
    double read_bytes;           /* read, bytes per second                                      */
    double copy_bytes;           /* copied, bytes read + bytes written per second               */
    double fma[DC_ISA_COUNT][2]; /* float32, float64 operations per second, a multiply-add being
                                    two; baseline has no fma: a multiply and an add */
} dcb_floor;

/* Measure; `isa` is the best usable one.  0, or -1 when there is no memory. */
int dcb_floor_measure(int32_t threads, int32_t isa, double seconds, dcb_floor *out);
/* Operations per second of one thread, without looking at the clock more than once per sample. */
double dcb_fma_burst(int32_t isa, int32_t dtype, int64_t rounds);

/* Copy `bytes` `times` over, split between the threads of the team: seconds of one copy. */
double dcb_copy_time(dcb_team *team, void *dst, const void *src, size_t bytes, int32_t times);

/* ---- cases -------------------------------------------------------------------------------- */

typedef struct dcb_size {
    int64_t rows, columns;
} dcb_size;

typedef struct dcb_case {
    dc_op_info op;
    int32_t dtype;
    int64_t rows, columns, window;
    double missing; /* share of NaN in the input, per cent */
} dcb_case;

/* A family's tables: what is measured when nothing else is asked for. */
typedef struct dcb_family {
    const char *name;
    const dcb_size *sizes, *quick_sizes;    /* end with rows 0 */
    const int64_t *windows, *quick_windows; /* end with 0 */
    /* Write the call's params (op.params_bytes) for these arrays. */
    void (*params)(const dcb_case *c, const dc_array *src, const dc_array *dst, void *params);
} dcb_family;

#define DCB_FAMILY(stem) extern const dcb_family dcb_##stem;
#include "bench/families.inc"
#undef DCB_FAMILY

/* What to measure; a count of 0 means the family's own table (or everything). */
typedef struct dcb_options {
    dcb_size size[DCB_LIST];
    int64_t window[DCB_LIST];
    const char *op[DCB_LIST], *device[DCB_LIST];
    int32_t dtype[2], isa[DC_ISA_COUNT], threads[DCB_LIST];
    int32_t sizes, windows, ops, devices, dtypes, isas, thread_counts;
    int32_t quick, rounds; /* rounds 0: 5, quick 3 */
    double missing;
    /* Called before every case; anything but 0 stops. */
    int (*progress)(double fraction, const char *text, void *user);
    void *user;
} dcb_options;

/* One line of the record. */
typedef struct dcb_record {
    dcb_case c;
    char device[32], name[128], driver[128], isa[16];
    int32_t threads;  /* CPU: used; else 0 */
    int32_t resident; /* 1: inputs and outputs stay in device memory */
    dcb_time time;
    double bytes, flops;
    const char *floor; /* which one is the higher */
    double floor_seconds;
} dcb_record;

typedef struct dcb_machine {
    dc_topology topology;
    dcb_floor floor[DCB_LIST];
    int32_t floors;
} dcb_machine;

typedef struct dcb_listener {
    int (*machine)(const dcb_machine *machine, void *user);
    int (*record)(const dcb_record *record, void *user);
    void (*note)(const char *text, void *user); /* what was left out, and why */
    void *user;
} dcb_listener;

enum { DCB_DONE = 0, DCB_STOPPED = 1, DCB_NO_DEVICE = 2, DCB_FAILED = 3 };
/* Measure everything; a failure's reason goes to the listener's note. */
int dcb_run(const dcb_options *options, const dcb_listener *listener);

/* JSON, one line each. */
void dcb_write_machine(const dcb_machine *machine, FILE *file);
void dcb_write_record(const dcb_record *record, FILE *file);

#endif
