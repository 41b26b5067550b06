/* How the machine is built and what of it this process may use.  Two readers fill the same record
 * and text: hwloc where the library was built with it, else /proc and /sys. */
#ifndef DC_TOPOLOGY_TOPOLOGY_H
#define DC_TOPOLOGY_TOPOLOGY_H

#include <stdarg.h>

#include "dualcube/device.h"
#include "host/core/error.h"

/* Text that grows; `failed` once memory ran out, the text then being what fitted. */
typedef struct dc_text {
    char *bytes; /* NULL: nothing written */
    size_t length, room;
    int failed;
} dc_text;
void dc__text_add(dc_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "32 KiB", "1.5 GiB". */
void dc__text_add_bytes(dc_text *text, int64_t bytes);

/* Fill packages ... memory_bytes but for affinity, quota and threads, and append the tree.
 * `synthetic` (may be NULL) is an hwloc description of a machine that is not this one. */
dc_status dc__topology_from_hwloc(const char *synthetic, dc_topology *topology, dc_text *text);
/* `proc` and `sys` are "/proc" and "/sys" but in tests. */
dc_status dc__topology_from_sysfs(const char *proc, const char *sys, dc_topology *topology,
                                  dc_text *text);

/* CPUs' worth of time that the control groups of this process grant, 0: no limit.  The smallest
 * along the way to the root counts.  `membership` is "/proc/self/cgroup", `root` "/sys/fs/cgroup"
 * but in tests. */
double dc__topology_quota(const char *membership, const char *root);

/* CPUs in the affinity mask of the calling thread, at least 1. */
int32_t dc__topology_affinity(void);

/* Threads for so many CPUs and such a quota: whole CPUs, at least 1. */
int32_t dc__topology_threads(int32_t affinity_cpus, double quota_cpus);

#endif
