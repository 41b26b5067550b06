/* A context, a device by name, a queue: what a subcommand computes with. */
#ifndef DC_TOOLS_SESSION_H
#define DC_TOOLS_SESSION_H

#include "tools/dualcube/cli.h"

typedef struct session_options {
    const char *device; /* "auto", "cpu", "opencl", "opencl:1"; NULL: DUALCUBE_DEVICE, else auto */
    int32_t threads;    /* 0: DUALCUBE_THREADS, else the machine's */
    int32_t isa;        /* DC_ISA_*, -1: DUALCUBE_CPU_ISA, else the best */
} session_options;
#define SESSION_OPTIONS_INIT {NULL, 0, -1}

typedef struct session {
    dc_context *context;
    dc_device *device; /* NULL: the router chooses */
    dc_queue *queue;
} session;

/* 0, or an exit code after a message; CLI_NO_DEVICE when the device is not there. */
int session_open(session *s, const session_options *options);
void session_close(session *s);

/* Find a device: 0, CLI_USAGE or CLI_NO_DEVICE after a message; *out is NULL for "auto". */
int session_find(dc_context *context, const char *name, dc_device **out);

/* "baseline", "avx2", "avx512". */
const char *isa_name(int32_t isa);
/* DC_ISA_* of a name, -1 when there is none. */
int32_t isa_find(const char *name);
const char *dtype_name(int32_t dtype);
const char *class_name(int32_t class_code);

#endif
