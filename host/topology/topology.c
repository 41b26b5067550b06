#include "host/topology/topology.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "host/core/cpu.h"

/* The machine does not change while a process lives; what the process may use of it can. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static dc_topology machine;
static const char *machine_text = "";

static void add_isas(dc_topology *topology)
{
    size_t used = 0;
    for (int isa = 0; isa < DC_ISA_COUNT; ++isa)
        if (dc__cpu_isa_usable(isa) && used < sizeof topology->isas)
            used += (size_t)snprintf(topology->isas + used, sizeof topology->isas - used, "%s%s",
                                     used ? " " : "", dc__isa_name(isa));
}

static void read_machine(void)
{
    dc_text text = {NULL, 0, 0, 0};
    char before[512]; /* a source that is missing is no failure: the error text stays */
    snprintf(before, sizeof before, "%s", dc_last_error());
    if (dc__topology_from_hwloc(NULL, &machine, &text) != DC_OK) {
        memset(&machine, 0, sizeof machine);
        text.length = 0;
        if (dc__topology_from_sysfs("/proc", "/sys", &machine, &text) != DC_OK)
            machine.packages = machine.cores = machine.logical_cpus = machine.numa_nodes = 1;
    }
    machine.quota_cpus = dc__topology_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    add_isas(&machine);
    if (text.bytes && text.length)
        machine_text = text.bytes; /* kept for the process's life */
    (void)dc__fail(DC_OK, "%s", before);
}

dc_status dc_topology_get(dc_topology *topology)
{
    DC_REQUIRE(topology, DC_E_ARGUMENT, "dc_topology_get: topology is NULL");
    const uint32_t room = topology->struct_size;
    DC_REQUIRE(
        room >= sizeof room && room <= sizeof *topology, DC_E_ARGUMENT,
        "dc_topology_get: topology->struct_size is %u, the library's is %u (set it to sizeof "
        "*topology)",
        (unsigned)room, (unsigned)sizeof *topology);
    pthread_once(&once, read_machine);
    dc_topology whole = machine;
    whole.struct_size = room;
    whole.affinity_cpus = dc__topology_affinity();
    whole.threads = dc__topology_threads(whole.affinity_cpus, whole.quota_cpus);
    memcpy(topology, &whole, room);
    return DC_OK;
}

const char *dc_topology_text(void)
{
    pthread_once(&once, read_machine);
    return machine_text;
}
