/* A context, a device by name, a queue: what a subcommand computes with. */
#ifndef DC_TOOLS_SESSION_H
#define DC_TOOLS_SESSION_H

#include "tools/dualcube/cli.h"

typedef struct session_options {
    const char *device; /* "auto", "cpu", "opencl", "opencl:1"; NULL: DUALCUBE_DEVICE, else auto */
    int32_t threads;    /* 0: DUALCUBE_THREADS, else the machine's */
    int32_t isa;        /* DC_ISA_*, -1: DUALCUBE_CPU_ISA, else the best */
    int32_t policy;     /* DC_POLICY_*, -1: DUALCUBE_FALLBACK, else auto */
} session_options;
#define SESSION_OPTIONS_INIT                                                                       \
    {                                                                                              \
        NULL, 0, -1, -1                                                                            \
    }

/* Help of the options that session_take() reads. */
#define SESSION_DEVICE_HELP "auto, cpu, opencl or opencl:N (default: DUALCUBE_DEVICE, else auto)"
#define SESSION_POLICY_HELP                                                                        \
    "with device auto: auto (the cheaper by the cost model), cpu, device or device-or-fail "       \
    "(default: DUALCUBE_FALLBACK, else auto)"
#define SESSION_THREADS_HELP "CPU threads (default: DUALCUBE_THREADS, else all that are granted)"
#define SESSION_ISA_HELP                                                                           \
    "baseline, avx2 or avx512 (default: DUALCUBE_CPU_ISA, else the best that is usable)"
enum { SESSION_DEVICE = CLI_FIRST_ID + 500, SESSION_POLICY, SESSION_THREADS, SESSION_ISA };
#define SESSION_OPTIONS                                                                            \
    {"device", 'd', "NAME", SESSION_DEVICE_HELP, SESSION_DEVICE},                                  \
        {"policy", 0, "NAME", SESSION_POLICY_HELP, SESSION_POLICY},                                \
        {"threads", 't', "N", SESSION_THREADS_HELP, SESSION_THREADS},                              \
    {                                                                                              \
        "isa", 0, "NAME", SESSION_ISA_HELP, SESSION_ISA                                            \
    }

/* Take an option SESSION_...; 0, or CLI_USAGE after a message. */
int session_take(session_options *options, int id, const cli_parser *parser);

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
