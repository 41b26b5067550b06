/* Driver discovery: what OpenCL devices there are, found out in a helper process, so that a driver
 * that crashes or hangs costs its own place in the list and nothing else.
 *
 * One helper lists all drivers.  When it dies or does not answer, one helper per driver is started,
 * all at once, and the drivers that fail are listed with usable = 0 and their error.  Those are
 * then masked: the first in-process load of the module shows the ICD loader only the good ones
 * (through OCL_ICD_VENDORS, set for the moment of the load and put back; a process whose host has
 * loaded OpenCL before has the broken driver inside already, and nothing is changed).
 */
#ifndef DC_CORE_DISCOVERY_H
#define DC_CORE_DISCOVERY_H

#include "host/core/backend.h"

/* What the helper writes: this header, then `count` records of dc_device_info. */
#define DC_PROBE_MAGIC  "DCPROBE"
#define DC_PROBE_SYMBOL "dc_module_probe" /* int dc_module_probe(int fd), 0: all written */
enum { DC_PROBE_ROOM = 128 };
typedef struct dc_probe_header {
    char magic[8];
    uint32_t record_bytes;
    int32_t status, count; /* count <= DC_PROBE_ROOM */
    char text[256];        /* the sentence of a failed status */
} dc_probe_header;

/* List the devices, at most `room`, in at most `timeout_ms`; ids "opencl:0", "opencl:1", ...
 * DC_E_UNSUPPORTED with one clear sentence when there is none at all (*count = 0). */
dc_status dc__discover(const char *module_path, int timeout_ms, dc_device_info *list, int32_t room,
                       int32_t *count);

/* Load the module into this process, once, with broken drivers masked; it stays loaded. */
dc_status dc__discovered_backend(const char *module_path, const dc_backend **backend);

/* probe_run.c: one helper and what came of it. */
typedef struct dc_probe_run {
    const char *vendors; /* OCL_ICD_VENDORS of the helper, NULL: as it is here        */
    int pid, fd;         /* fd < 0: not reading                                       */
    int started, timed_out;
    int exit_known, exit_status; /* as from waitpid; unknown where SIGCHLD is ignored         */
    size_t got;
    struct {
        dc_probe_header header;
        dc_device_info list[DC_PROBE_ROOM];
    } answer;
} dc_probe_run;

/* Run the helpers side by side until each has answered or died, `timeout_ms` at most.  None is left
 * behind. */
void dc__probe_run(const char *helper, const char *module_path, int timeout_ms, dc_probe_run *run,
                   int runs);
/* 1: the answer is whole and sane, its texts terminated.  0: `why` says what happened. */
int dc__probe_answer(dc_probe_run *run, int timeout_ms, char *why, size_t why_bytes);

#endif
