/* Topology: both readers on a machine of our own making, quotas, affinity, instruction sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/core/cpu.h"
#include "host/topology/topology.h"

enum { PATH = 512 };
static char root[PATH]; /* a new directory for every test */

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/dualcube-topology-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[PATH + 16];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* Write `text` to <root>/<name>, making the directories on the way. */
static void put(const char *name, const char *text)
{
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static double quota(const char *membership)
{
    char cgroup[2 * PATH], groups[2 * PATH];
    put("membership", membership);
    snprintf(cgroup, sizeof cgroup, "%s/membership", root);
    snprintf(groups, sizeof groups, "%s/cgroup", root);
    return dc__topology_quota(cgroup, groups);
}

static void quota_of_version_2(void **state)
{
    (void)state;
    assert_true(quota("0::/a/b\n") == 0); /* nothing there */
    put("cgroup/a/b/cpu.max", "max 100000\n");
    assert_true(quota("0::/a/b\n") == 0);
    put("cgroup/a/cpu.max", "150000 100000\n");
    assert_true(quota("0::/a/b\n") == 1.5); /* the parent's limit counts */
    put("cgroup/a/b/cpu.max", "50000 100000\n");
    assert_true(quota("0::/a/b\n") == 0.5);
    put("cgroup/a/b/cpu.max", "400000 100000\n");
    assert_true(quota("0::/a/b\n") == 1.5);
}

static void quota_inside_a_container(void **state)
{
    (void)state;
    /* The group is named as the host sees it; here its directory is the root. */
    put("cgroup/cpu.max", "300000 100000\n");
    assert_true(quota("0::/system.slice/docker-abc.scope\n") == 3);
    assert_true(quota("0::/../../elsewhere\n") == 3);
}

static void quota_of_version_1(void **state)
{
    (void)state;
    put("cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
    put("cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    assert_true(quota("4:memory:/job\n3:cpu:/job\n") == 0);
    put("cgroup/cpu/job/cpu.cfs_quota_us", "250000\n");
    assert_true(quota("4:memory:/job\n3:cpu:/job\n") == 2.5);
    assert_true(quota("3:cpuset:/job\n") == 0);        /* not the cpu controller */
    assert_true(quota("3:cpu,cpuacct:/job\n") == 2.5); /* by the link `cpu` */
    put("cgroup/cpuacct,cpu/job/cpu.cfs_quota_us", "100000\n");
    put("cgroup/cpuacct,cpu/job/cpu.cfs_period_us", "50000\n");
    assert_true(quota("3:cpuacct,cpu:/job\n") == 2); /* by its own name */
}

static void quota_from_damaged_files(void **state)
{
    (void)state;
    put("cgroup/cpu.max", "");
    assert_true(quota("0::/\n") == 0);
    put("cgroup/cpu.max", "nonsense\n");
    assert_true(quota("0::/\n") == 0);
    put("cgroup/cpu.max", "100000 0\n");
    assert_true(quota("0::/\n") == 0);
    put("cgroup/cpu.max", "100000 -5\n");
    assert_true(quota("0::/\n") == 0);
    assert_true(quota("no colon at all\n::\n:\n") == 0);
    assert_true(dc__topology_quota("/nonexistent/file", "/sys/fs/cgroup") == 0);
}

static void threads_are_whole_cpus(void **state)
{
    (void)state;
    assert_int_equal(dc__topology_threads(8, 0), 8);
    assert_int_equal(dc__topology_threads(8, 2), 2);
    assert_int_equal(dc__topology_threads(8, 2.9), 2);
    assert_int_equal(dc__topology_threads(8, 0.25), 1);
    assert_int_equal(dc__topology_threads(2, 64), 2);
    assert_int_equal(dc__topology_threads(0, 0), 1);
}

static void *on_one_cpu(void *data)
{
    dc_topology *const topology = data;
    cpu_set_t set, one;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
        if (CPU_ISSET(i, &set))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    topology->struct_size = sizeof *topology;
    assert_int_equal(dc_topology_get(topology), DC_OK);
    return NULL;
}

static void affinity_is_respected(void **state)
{
    (void)state;
    dc_topology before = {.struct_size = sizeof before}, pinned, after = before;
    pthread_t thread;
    assert_int_equal(dc_topology_get(&before), DC_OK);
    assert_int_equal(pthread_create(&thread, NULL, on_one_cpu, &pinned), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pinned.affinity_cpus, 1);
    assert_int_equal(pinned.threads, 1);
    assert_int_equal(dc_topology_get(&after), DC_OK);
    assert_int_equal(after.affinity_cpus, before.affinity_cpus);
}

static void this_machine(void **state)
{
    (void)state;
    dc_topology topology = {.struct_size = sizeof topology};
    assert_int_equal(dc_topology_get(&topology), DC_OK);
    assert_true(topology.packages >= 1 && topology.cores >= topology.packages);
    assert_true(topology.logical_cpus >= topology.cores && topology.numa_nodes >= 1);
    assert_true(topology.threads >= 1 && topology.threads <= topology.affinity_cpus);
    assert_true(topology.memory_bytes > 1 << 20);
    assert_int_equal(strncmp(topology.isas, "baseline", 8), 0);
    assert_non_null(strstr(dc_topology_text(), "Machine"));
    assert_non_null(strstr(dc_topology_text(), "PU "));
    assert_ptr_equal(dc_topology_text(), dc_topology_text());
}

static void bad_arguments(void **state)
{
    (void)state;
    dc_topology topology;
    memset(&topology, 0x5a, sizeof topology);
    const dc_topology untouched = topology;
    assert_int_equal(dc_topology_get(NULL), DC_E_ARGUMENT);
    assert_non_null(strstr(dc_last_error(), "topology is NULL"));
    assert_int_equal(dc_topology_get(&topology), DC_E_ARGUMENT);
    assert_non_null(strstr(dc_last_error(), "struct_size"));
    assert_memory_equal(&topology, &untouched, sizeof topology);
    topology.struct_size = 0;
    assert_int_equal(dc_topology_get(&topology), DC_E_ARGUMENT);
}

static int count_lines(const char *text, const char *word)
{
    int count = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \n");
        count += strncmp(line, word, strlen(word)) == 0;
    }
    return count;
}

/* Two packages, a node each, 8 cores of 2 threads under one L3 of 16 MiB. */
static void check_two_packages(const dc_topology *topology, const char *text)
{
    assert_int_equal(topology->packages, 2);
    assert_int_equal(topology->numa_nodes, 2);
    assert_int_equal(topology->cores, 16);
    assert_int_equal(topology->logical_cpus, 32);
    assert_int_equal(topology->l3_instances, 2);
    assert_int_equal(topology->l3_bytes, 16 << 20);
    assert_int_equal(topology->l2_bytes, 1 << 20);
    assert_int_equal(topology->l1d_bytes, 32 << 10);
    assert_int_equal(count_lines(text, "Package"), 2);
    assert_int_equal(count_lines(text, "NUMANode"), 2);
    assert_int_equal(count_lines(text, "L3 (16 MiB)"), 2);
    assert_int_equal(count_lines(text, "L2 (1 MiB)"), 16);
    assert_int_equal(count_lines(text, "Core"), 16);
    assert_int_equal(count_lines(text, "PU"), 32);
    assert_int_equal(strncmp(text, "Machine", 7), 0);
    assert_non_null(strstr(text, "\n  Package 0"));
}

static void two_packages_by_hwloc(void **state)
{
    (void)state;
    dc_topology topology = {0};
    dc_text text = {0};
    const dc_status status = dc__topology_from_hwloc(
        "pack:2 [numa(memory=8589934592)] l3:1(size=16777216) l2:8(size=1048576) "
        "l1d:1(size=32768) core:1 pu:2",
        &topology, &text);
    if (status == DC_E_UNSUPPORTED) {
        print_message("built without hwloc: skipped\n");
        skip();
    }
    assert_int_equal(status, DC_OK);
    check_two_packages(&topology, text.bytes);
    assert_int_equal(topology.memory_bytes, (int64_t)16 << 30);
    assert_int_equal(count_lines(text.bytes, "NUMANode 1 (8 GiB)"), 1);
    free(text.bytes);
    assert_int_equal(dc__topology_from_hwloc("pack:nonsense", &topology, &text), DC_E_IO);
}

/* CPU c: package c / 16, core (c % 16) / 2; CPUs 2k and 2k + 1 share a core. */
static void put_cpu(int c)
{
    static const char *const size[] = {"32K", "1024K", "16M"};
    char name[128], text[64];
    snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%d/topology/physical_package_id", c);
    snprintf(text, sizeof text, "%d\n", c / 16);
    put(name, text);
    snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%d/topology/core_id", c);
    snprintf(text, sizeof text, "%d\n", c % 16 / 2);
    put(name, text);
    for (int level = 1; level <= 3; ++level) {
        const int width = level == 3 ? 16 : 2, first = c / width * width;
        char directory[96];
        snprintf(directory, sizeof directory, "sys/devices/system/cpu/cpu%d/cache/index%d", c,
                 level - 1);
        snprintf(name, sizeof name, "%s/level", directory);
        snprintf(text, sizeof text, "%d\n", level);
        put(name, text);
        snprintf(name, sizeof name, "%s/type", directory);
        put(name, level == 1 ? "Data\n" : "Unified\n");
        snprintf(name, sizeof name, "%s/size", directory);
        put(name, size[level - 1]);
        snprintf(name, sizeof name, "%s/shared_cpu_list", directory);
        snprintf(text, sizeof text, "%d-%d\n", first, first + width - 1);
        put(name, text);
    }
}

static void two_packages_by_sysfs(void **state)
{
    (void)state;
    char proc[PATH + 8], sys[PATH + 8];
    dc_topology topology = {0};
    dc_text text = {0};
    for (int c = 0; c < 32; ++c)
        put_cpu(c);
    put("sys/devices/system/cpu/online", "0-31\n");
    put("sys/devices/system/node/online", "0-1\n");
    put("sys/devices/system/node/node0/cpulist", "0-15\n");
    put("sys/devices/system/node/node1/cpulist", "16-31\n");
    put("proc/cpuinfo", "processor\t: 0\nmodel name\t: Sample CPU @ 2 GHz\n");
    put("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(sys, sizeof sys, "%s/sys", root);
    assert_int_equal(dc__topology_from_sysfs(proc, sys, &topology, &text), DC_OK);
    check_two_packages(&topology, text.bytes);
    assert_int_equal(topology.memory_bytes, (int64_t)16 << 30);
    assert_string_equal(topology.cpu_name, "Sample CPU @ 2 GHz");
    free(text.bytes);
}

static void nothing_to_read(void **state)
{
    (void)state;
    dc_topology topology = {0};
    dc_text text = {0};
    assert_int_equal(dc__topology_from_sysfs(root, root, &topology, &text), DC_OK);
    assert_true(topology.logical_cpus >= 1 && topology.cores == topology.logical_cpus);
    assert_int_equal(topology.packages, 1);
    free(text.bytes);
}

static void both_readers_agree(void **state)
{
    (void)state;
    dc_topology a = {0}, b = {0};
    dc_text text = {0};
    if (dc__topology_from_hwloc(NULL, &a, &text) != DC_OK)
        skip();
    assert_int_equal(dc__topology_from_sysfs("/proc", "/sys", &b, &text), DC_OK);
    assert_int_equal(a.logical_cpus, b.logical_cpus);
    assert_int_equal(a.cores, b.cores);
    assert_int_equal(a.packages, b.packages);
    free(text.bytes);
}

static void instruction_sets(void **state)
{
    (void)state;
    assert_true(dc__cpu_isa_usable(DC_ISA_BASELINE));
    assert_false(dc__cpu_isa_usable(-1));
    assert_false(dc__cpu_isa_usable(DC_ISA_COUNT));
    assert_true(dc__cpu_isa_usable(dc__cpu_isa_best()));
    if (dc__cpu_isa_usable(DC_ISA_AVX512))
        assert_true(dc__isa_lane_bytes(dc__cpu_isa_best()) == 64);
    for (int isa = 0; isa < DC_ISA_COUNT; ++isa)
        assert_int_equal(dc__isa_from_name(dc__isa_name(isa)), isa);
    assert_int_equal(dc__isa_from_name("avx"), -1);
    assert_int_equal(dc__isa_from_name(""), -1);
    assert_int_equal(dc__isa_from_name(NULL), -1);
    assert_string_equal(dc__isa_name(7), "?");
    dc_topology topology = {.struct_size = sizeof topology};
    assert_int_equal(dc_topology_get(&topology), DC_OK);
    for (int isa = 1; isa < DC_ISA_COUNT; ++isa)
        assert_int_equal(strstr(topology.isas, dc__isa_name(isa)) != NULL, dc__cpu_isa_usable(isa));
}

static void caches_are_never_zero(void **state)
{
    (void)state;
    const dc_cpu_caches caches = dc__cpu_caches(), none = dc__cpu_caches_in(root);
    assert_true(caches.l1d_bytes > 0 && caches.l2_bytes > 0 && caches.l3_bytes > 0);
    assert_true(none.l1d_bytes == 0 && none.l2_bytes == 0 && none.l3_bytes == 0);
    put("cache/index0/level", "1\n");
    put("cache/index0/type", "Instruction\n");
    put("cache/index0/size", "64K\n");
    put("cache/index1/level", "2\n");
    put("cache/index1/type", "Unified\n");
    put("cache/index1/size", "-3K\n");
    const dc_cpu_caches odd = dc__cpu_caches_in(root);
    assert_true(odd.l1d_bytes == 0 && odd.l2_bytes == 0);
}

static void node_of_a_pci_device(void **state)
{
    (void)state;
    put("0000:81:00.0/numa_node", "1\n");
    put("0000:c1:00.0/numa_node", "-1\n");
    assert_int_equal(dc__pci_numa_node_in(root, "0000:81:00.0"), 1);
    assert_int_equal(dc__pci_numa_node_in(root, "0000:C1:00.0"), -1);
    assert_int_equal(dc__pci_numa_node_in(root, "0000:82:00.0"), -1);
    assert_int_equal(dc__pci_numa_node_in(root, "../../../etc"), -1);
    assert_int_equal(dc__pci_numa_node_in(root, ""), -1);
    assert_int_equal(dc__pci_numa_node_in(root, NULL), -1);
    assert_int_equal(dc__pci_numa_node("ffff:ff:ff.7"), -1);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOT(quota_of_version_2),
        IN_ROOT(quota_inside_a_container),
        IN_ROOT(quota_of_version_1),
        IN_ROOT(quota_from_damaged_files),
        cmocka_unit_test(threads_are_whole_cpus),
        cmocka_unit_test(affinity_is_respected),
        cmocka_unit_test(this_machine),
        cmocka_unit_test(bad_arguments),
        cmocka_unit_test(two_packages_by_hwloc),
        IN_ROOT(two_packages_by_sysfs),
        IN_ROOT(nothing_to_read),
        cmocka_unit_test(both_readers_agree),
        cmocka_unit_test(instruction_sets),
        IN_ROOT(caches_are_never_zero),
        IN_ROOT(node_of_a_pci_device),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
