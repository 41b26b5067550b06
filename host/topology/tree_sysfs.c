/* The tree as /proc and /sys show it, for builds without hwloc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/cpu.h"
#include "host/topology/topology.h"

/* Levels of the tree, outermost first.  A CPU's key on a level names the object it belongs to:
 * packages, nodes and cores by their number, caches by the first CPU that shares them. */
enum { PACKAGE, NODE, L3, L2, L1D, CORE, PU, LEVELS };
static const char *const level_names[LEVELS] = {"Package", "NUMANode", "L3", "L2",
                                                "L1d",     "Core",     "PU"};
enum { MAX_CPUS = 1 << 16, PATH = 512 };

typedef struct cpu_record {
    int32_t key[LEVELS]; /* -1: the machine does not say */
} cpu_record;

typedef struct machine {
    const char *sys;
    cpu_record *cpu;
    int32_t cpus;
} machine;

static int32_t read_number(const char *directory, const char *name)
{
    char line[64], *end;
    if (!dc__cpu_read_line(directory, name, line, sizeof line))
        return -1;
    const long value = strtol(line, &end, 10);
    return end == line || value < 0 || value > INT32_MAX ? -1 : (int32_t)value;
}

/* Next range of a list such as "0-3,8"; moves `*list` on; 0 at its end or at what is not a list. */
static int next_range(const char **list, int32_t *first, int32_t *last)
{
    char *end;
    long low = strtol(*list, &end, 10), high = low;
    if (end == *list || low < 0)
        return 0;
    if (*end == '-') {
        const char *const text = end + 1;
        high = strtol(text, &end, 10);
        if (end == text)
            return 0;
    }
    *list = end + (*end == ',');
    if (high < low || high >= MAX_CPUS)
        return 0;
    *first = (int32_t)low;
    *last = (int32_t)high;
    return 1;
}

static void read_caches(const char *directory, cpu_record *record)
{
    for (int index = 0; index < 16; ++index) {
        char name[64], type[32], shared[4096];
        snprintf(name, sizeof name, "cache/index%d/type", index);
        if (!dc__cpu_read_line(directory, name, type, sizeof type))
            break;
        snprintf(name, sizeof name, "cache/index%d/level", index);
        const int32_t cache_level = read_number(directory, name);
        snprintf(name, sizeof name, "cache/index%d/shared_cpu_list", index);
        if (strcmp(type, "Instruction") == 0 || cache_level < 1 || cache_level > 3 ||
            !dc__cpu_read_line(directory, name, shared, sizeof shared))
            continue;
        int32_t first, last;
        const char *list = shared;
        if (next_range(&list, &first, &last))
            record->key[cache_level == 3 ? L3 : cache_level == 2 ? L2 : L1D] = first;
    }
}

static dc_status read_cpus(machine *m)
{
    char directory[PATH], online[4096];
    const char *list = online;
    snprintf(directory, sizeof directory, "%s/devices/system/cpu", m->sys);
    if (!dc__cpu_read_line(directory, "online", online, sizeof online)) {
        const long count = sysconf(_SC_NPROCESSORS_ONLN);
        snprintf(online, sizeof online, "0-%ld", count > 1 ? count - 1 : 0);
    }
    for (int32_t first, last; next_range(&list, &first, &last);) {
        cpu_record *const more =
            realloc(m->cpu, (size_t)(m->cpus + last - first + 1) * sizeof *m->cpu);
        DC_REQUIRE(more, DC_E_MEMORY, "dc_topology_get: no memory for %d CPUs", (int)last + 1);
        m->cpu = more;
        for (int32_t i = first; i <= last && m->cpus < MAX_CPUS; ++i) {
            cpu_record *const record = &m->cpu[m->cpus++];
            snprintf(directory, sizeof directory, "%s/devices/system/cpu/cpu%d", m->sys, (int)i);
            for (int k = 0; k < LEVELS; ++k)
                record->key[k] = -1;
            record->key[PU] = i;
            record->key[PACKAGE] = read_number(directory, "topology/physical_package_id");
            record->key[CORE] = read_number(directory, "topology/core_id");
            read_caches(directory, record);
        }
    }
    return DC_OK;
}

static void read_nodes(machine *m)
{
    char directory[PATH], online[4096], cpus[4096];
    const char *nodes = online;
    snprintf(directory, sizeof directory, "%s/devices/system/node", m->sys);
    if (!dc__cpu_read_line(directory, "online", online, sizeof online))
        return;
    for (int32_t first, last; next_range(&nodes, &first, &last);)
        for (int32_t node = first; node <= last; ++node) {
            char name[64];
            snprintf(name, sizeof name, "node%d/cpulist", (int)node);
            if (!dc__cpu_read_line(directory, name, cpus, sizeof cpus))
                continue;
            const char *list = cpus;
            for (int32_t low, high; next_range(&list, &low, &high);)
                for (int32_t i = 0; i < m->cpus; ++i)
                    if (m->cpu[i].key[PU] >= low && m->cpu[i].key[PU] <= high)
                        m->cpu[i].key[NODE] = node;
        }
}

/* Value after "name ... :" in a file of such lines; 0 when there is none. */
static int read_field(const char *proc, const char *file, const char *name, char *value,
                      size_t bytes)
{
    char path[PATH], line[1024];
    snprintf(path, sizeof path, "%s/%s", proc, file);
    FILE *stream = fopen(path, "re");
    int found = 0;
    while (stream && !found && fgets(line, sizeof line, stream)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, name, strlen(name)) != 0)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(value, bytes, "%.*s", (int)strcspn(colon, "\n"), colon);
        found = 1;
    }
    if (stream)
        fclose(stream);
    return found;
}

static int by_keys(const void *left, const void *right)
{
    const cpu_record *const a = left, *const b = right;
    for (int k = 0; k < LEVELS; ++k)
        if (a->key[k] != b->key[k])
            return a->key[k] < b->key[k] ? -1 : 1;
    return 0;
}

static void add_line(dc_text *text, int depth, int k, int32_t key, const dc_topology *topology)
{
    const int64_t bytes = k == L3    ? topology->l3_bytes
                          : k == L2  ? topology->l2_bytes
                          : k == L1D ? topology->l1d_bytes
                                     : 0;
    dc__text_add(text, "%*s%s", 2 * depth, "", level_names[k]);
    if (k == PACKAGE || k == NODE || k == CORE || k == PU)
        dc__text_add(text, " %d", (int)key);
    if (bytes > 0) {
        dc__text_add(text, " (");
        dc__text_add_bytes(text, bytes);
        dc__text_add(text, ")");
    }
    if (k == PACKAGE && topology->cpu_name[0])
        dc__text_add(text, " (%s)", topology->cpu_name);
    dc__text_add(text, "\n");
}

/* Walk the sorted CPUs: from the outermost level that changes inwards, every level is a new
 * object.  Counts them and prints a line for each. */
static void walk(const machine *m, dc_topology *topology, dc_text *text)
{
    int32_t count[LEVELS] = {0};
    for (int32_t i = 0; i < m->cpus; ++i) {
        int changed = i == 0, depth = 1;
        for (int k = 0; k < LEVELS; ++k) {
            const int32_t key = m->cpu[i].key[k];
            changed |= i > 0 && key != m->cpu[i - 1].key[k];
            if (key < 0)
                continue;
            if (changed) {
                add_line(text, depth, k, key, topology);
                ++count[k];
            }
            ++depth;
        }
    }
    topology->logical_cpus = count[PU];
    topology->packages = count[PACKAGE] > 0 ? count[PACKAGE] : 1;
    topology->cores = count[CORE] > 0 ? count[CORE] : count[PU];
    topology->numa_nodes = count[NODE] > 0 ? count[NODE] : 1;
    topology->l3_instances = count[L3];
}

dc_status dc__topology_from_sysfs(const char *proc, const char *sys, dc_topology *topology,
                                  dc_text *text)
{
    char value[128], directory[PATH];
    machine m = {sys, NULL, 0};
    const dc_status status = read_cpus(&m);
    if (status != DC_OK) {
        free(m.cpu);
        return status;
    }
    read_nodes(&m);
    if (m.cpus > 1)
        qsort(m.cpu, (size_t)m.cpus, sizeof *m.cpu, by_keys);
    if (read_field(proc, "cpuinfo", "model name", value, sizeof value))
        snprintf(topology->cpu_name, sizeof topology->cpu_name, "%s", value);
    if (read_field(proc, "meminfo", "MemTotal", value, sizeof value))
        topology->memory_bytes = strtoll(value, NULL, 10) * 1024; /* the file says kB */
    snprintf(directory, sizeof directory, "%s/devices/system/cpu/cpu%d", sys,
             m.cpus > 0 ? (int)m.cpu[0].key[PU] : 0);
    const dc_cpu_caches caches = dc__cpu_caches_in(directory);
    topology->l1d_bytes = caches.l1d_bytes;
    topology->l2_bytes = caches.l2_bytes;
    topology->l3_bytes = caches.l3_bytes;
    dc__text_add(text, "Machine (");
    dc__text_add_bytes(text, topology->memory_bytes);
    dc__text_add(text, ")\n");
    walk(&m, topology, text);
    free(m.cpu);
    return DC_OK;
}
