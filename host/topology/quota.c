/* CPU quotas of control groups, versions 1 and 2. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/cpu.h"
#include "host/topology/topology.h"

enum { LIMIT_PATH = 1024 };

/* Version 2: cpu.max holds "150000 100000" (microseconds of time per period) or "max 100000". */
static double quota_v2(const char *directory)
{
    char line[64];
    long long quota, period;
    if (!dc__cpu_read_line(directory, "cpu.max", line, sizeof line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0)
        return 0;
    return (double)quota / (double)period;
}

/* Version 1: two files, -1 for no limit. */
static double quota_v1(const char *directory)
{
    char line[64];
    if (!dc__cpu_read_line(directory, "cpu.cfs_quota_us", line, sizeof line))
        return 0;
    const long long quota = strtoll(line, NULL, 10);
    if (!dc__cpu_read_line(directory, "cpu.cfs_period_us", line, sizeof line))
        return 0;
    const long long period = strtoll(line, NULL, 10);
    return quota > 0 && period > 0 ? (double)quota / (double)period : 0;
}

static double smaller(double a, double b)
{
    return a <= 0 ? b : b <= 0 ? a : a < b ? a : b;
}

/* The smallest quota from `group` up to the root of the hierarchy mounted at `mount`.  Inside a
 * container the named group may be outside the mount; the root is then the container's own. */
static double quota_upwards(const char *mount, const char *group, double (*read)(const char *))
{
    char path[LIMIT_PATH];
    const size_t root = strlen(mount);
    if (snprintf(path, sizeof path, "%s%s", mount, group) >= (int)sizeof path ||
        strstr(group, ".."))
        path[root < sizeof path ? root : 0] = 0;
    double quota = 0;
    while (strlen(path) >= root && path[0]) {
        quota = smaller(quota, read(path));
        char *const slash = strrchr(path, '/');
        if (strlen(path) == root || !slash)
            break;
        *slash = 0;
    }
    return quota;
}

/* Is "cpu" one of the comma-separated `controllers`? */
static int has_cpu_controller(const char *controllers)
{
    const size_t cpu = 3;
    while (*controllers) {
        const size_t length = strcspn(controllers, ",");
        if (length == cpu && strncmp(controllers, "cpu", cpu) == 0)
            return 1;
        controllers += length;
        controllers += *controllers == ',';
    }
    return 0;
}

/* One line of the membership file: "<hierarchy>:<controllers>:<group>". */
static double quota_of_line(char *line, const char *root)
{
    char mount[LIMIT_PATH];
    char *const controllers = strchr(line, ':');
    char *const group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return 0;
    *group = 0;
    if (controllers[1] == 0) {
        /* Version 2, at the root or, beside version 1, in `unified`. */
        const double quota = quota_upwards(root, group + 1, quota_v2);
        snprintf(mount, sizeof mount, "%s/unified", root);
        return smaller(quota, quota_upwards(mount, group + 1, quota_v2));
    }
    if (!has_cpu_controller(controllers + 1))
        return 0;
    snprintf(mount, sizeof mount, "%s/%s", root, controllers + 1);
    double quota = quota_upwards(mount, group + 1, quota_v1);
    if (quota <= 0) {
        snprintf(mount, sizeof mount, "%s/cpu", root);
        quota = quota_upwards(mount, group + 1, quota_v1);
    }
    return quota;
}

double dc__topology_quota(const char *membership, const char *root)
{
    char line[LIMIT_PATH];
    double quota = 0;
    FILE *file = fopen(membership, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        quota = smaller(quota, quota_of_line(line, root));
    }
    fclose(file);
    return quota;
}

int32_t dc__topology_affinity(void)
{
    /* The kernel refuses a mask shorter than its own; grow until it fits. */
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        const size_t bytes = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *const set = CPU_ALLOC(cpus);
        if (!set)
            break;
        CPU_ZERO_S(bytes, set);
        const int refused = sched_getaffinity(0, bytes, set);
        const int count = refused ? 0 : CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 1;
}

int32_t dc__topology_threads(int32_t affinity_cpus, double quota_cpus)
{
    /* Part of a CPU is not a thread: a team with one throttled member waits for it. */
    const int32_t cpus = affinity_cpus > 1 ? affinity_cpus : 1;
    if (quota_cpus <= 0 || quota_cpus >= cpus)
        return cpus;
    return quota_cpus < 1 ? 1 : (int32_t)quota_cpus;
}
