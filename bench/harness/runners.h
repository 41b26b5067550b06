/* Who runs a case: a device, an instruction set, a number of threads, host or device memory. */
#ifndef DCB_RUNNERS_H
#define DCB_RUNNERS_H

#include "bench/harness/bench.h"

typedef struct dcb_runner {
    dc_queue *queue;
    int32_t owns; /* 1: frees the queue */
    int32_t kind, isa, threads, resident;
    int32_t refused;     /* this case is not supported here */
    dc_buffer *in, *out; /* resident: memory of the device */
    char device[32], name[128], driver[128];
    int32_t times;                         /* calls per sample */
    double sample[32], link[32], pass[32]; /* seconds of a call, of the link, of one pass */
    int32_t samples;
} dcb_runner;

typedef struct dcb_bench {
    const dcb_options *options;
    const dcb_listener *listener;
    dc_context *context;
    dcb_runner runner[DCB_RUNNERS];
    int32_t runners;
    dcb_machine machine;
    dcb_team *team[DCB_LIST];  /* of every thread count */
    double copy[DCB_LIST][32]; /* seconds of copying the case's array */
    int32_t copies;
    void *src, *dst; /* of the case */
    int64_t elements;
} dcb_bench;

/* Tell the listener a sentence; returns `code`. */
int dcb_note(const dcb_bench *b, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int dcb_runners_open(dcb_bench *b);
void dcb_runners_close(dcb_bench *b);

#endif
