/* Parity: every operation on every device, instruction set, thread count and chunking against the
 * baseline CPU build, by the class that the registry promises.  Uses the public API alone and lists
 * operations through introspect.h. */
#ifndef DCT_PARITY_H
#define DCT_PARITY_H

#include <stdint.h>
#include <stdio.h>

#include "dualcube/dualcube.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defects planted on purpose, to show that each check can fail. */
enum {
    DCT_PLANT_NONE = 0,
    DCT_PLANT_BIT = 1,         /* lowest bit of one output element flipped       */
    DCT_PLANT_NAN_PAYLOAD = 2, /* a NaN that is not the one quiet NaN            */
    DCT_PLANT_MINUS_ZERO = 3,  /* +0 replaced by -0                              */
    DCT_PLANT_GAP = 4,         /* a byte between or beside output elements       */
    DCT_PLANT_INPUT = 5,       /* a byte of an input                             */
    DCT_PLANT_ELSEWHERE = 6    /* the call ran on another device than asked for  */
};

/* Begin with DCT_PARITY_OPTIONS_INIT. */
typedef struct dct_parity_options {
    uint64_t seed;
    int64_t first_case;   /* number of the first case; a failure prints its number             */
    int64_t cases;        /* cases to run                                                      */
    double seconds;       /* stop after so many seconds, 0: no limit                           */
    const char *op;       /* one operation, or NULL                                            */
    const char *family;   /* one family, or NULL                                               */
    const char *device;   /* "cpu", "opencl", "opencl:1", or NULL: all                         */
    int32_t dtype;        /* DC_F32, ..., or 0: all                                            */
    int32_t isa;          /* only this DC_ISA_* besides the reference, -1: every usable one    */
    int32_t max_threads;  /* largest thread count                                              */
    int32_t max_failures; /* stop after so many                                               */
    int32_t small;        /* 1: no large arrays (sanitizers), 2: tiny ones (emulators)         */
    int32_t plant;        /* DCT_PLANT_*                                                       */
    int32_t verbose;      /* 1: one line per case                                              */
    int32_t catch_faults; /* 1: name the case when it crashes, then die of the signal         */
    /* Called some ten times a second; anything but 0 stops. */
    int (*progress)(int64_t done, int64_t total, void *user);
    void *progress_user;
} dct_parity_options;
#define DCT_PARITY_OPTIONS_INIT                                                                    \
    {                                                                                              \
        1, 0, 13000, 0.0, NULL, NULL, NULL, 0, -1, 7, 20, 0, DCT_PLANT_NONE, 0, 0, NULL, NULL      \
    }

/* What one row x dtype reached on one device. */
typedef struct dct_parity_cell {
    char op[48];
    char device[200]; /* "cpu avx2", "opencl:0 <name> (<driver>)"                                */
    int32_t dtype;
    int32_t promised; /* DC_CLASS_* of the registry                                          */
    int32_t relaxed;  /* 1: the device lacks what the class needs, an ulp bound is checked    */
    int64_t comparisons, elements, failures;
    double worst_ulp;
    char reason[256]; /* why it is unsupported, "" when it ran                                */
} dct_parity_cell;

typedef struct dct_parity_report {
    uint64_t seed;
    int64_t cases, comparisons, elements, failures;
    int64_t threaded;   /* comparisons whose call really used several CPU threads            */
    int64_t on_devices; /* comparisons whose call ran on an OpenCL device                    */
    double seconds;
    int32_t stopped; /* 1: by the progress callback                                          */
    int32_t ncells, room;
    dct_parity_cell *cell;
} dct_parity_report;

/* Run.  Failures go to `log` as they are found: one sentence and the command that reruns the case.
 * Returns 0 when all agree, 1 on a finding, 3 when a device asked for is not there, 4 when it could
 * not run at all (the reason is in the log).  `report` is always valid after the call. */
int dct_parity_run(const dct_parity_options *options, dct_parity_report *report, FILE *log);
void dct_parity_report_free(dct_parity_report *report);

/* "EXACT", "EXACT_IF", "NORMWISE": what was reached; "FAILED", "unsupported". */
const char *dct_parity_reached(const dct_parity_cell *cell);

/* Deterministic text: the same runs give the same bytes.  0, or -1 when writing failed. */
int dct_parity_write_csv(const dct_parity_report *report, FILE *file);
int dct_parity_write_markdown(const dct_parity_report *report, FILE *file);
int dct_parity_write_json(const dct_parity_report *report, FILE *file);

#ifdef __cplusplus
}
#endif
#endif
