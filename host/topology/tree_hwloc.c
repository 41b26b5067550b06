/* The tree as hwloc knows it. */
#include "host/topology/topology.h"

#if defined(DC_HAVE_HWLOC)

#include <hwloc.h>
#include <string.h>
#include <unistd.h>

enum { INDENT = 2 };

static void add_object(dc_text *text, hwloc_topology_t tree, hwloc_obj_t object, int depth);

static void add_children(dc_text *text, hwloc_topology_t tree, hwloc_obj_t object, int depth)
{
    for (hwloc_obj_t child = object->memory_first_child; child; child = child->next_sibling)
        add_object(text, tree, child, depth);
    for (hwloc_obj_t child = object->first_child; child; child = child->next_sibling)
        add_object(text, tree, child, depth);
}

/* One line, then what lies below it. */
static void add_object(dc_text *text, hwloc_topology_t tree, hwloc_obj_t object, int depth)
{
    char type[64];
    hwloc_obj_type_snprintf(type, sizeof type, object, 0);
    dc__text_add(text, "%*s%s", INDENT * depth, "", type);
    if (object->os_index != HWLOC_UNKNOWN_INDEX)
        dc__text_add(text, " %u", object->os_index);
    if (hwloc_obj_type_is_dcache(object->type)) {
        dc__text_add(text, " (");
        dc__text_add_bytes(text, (int64_t)object->attr->cache.size);
        dc__text_add(text, ")");
    } else if (object->type == HWLOC_OBJ_NUMANODE) {
        dc__text_add(text, " (");
        dc__text_add_bytes(text, (int64_t)object->attr->numanode.local_memory);
        dc__text_add(text, ")");
    } else if (object->type == HWLOC_OBJ_PACKAGE) {
        const char *const model = hwloc_obj_get_info_by_name(object, "CPUModel");
        if (model)
            dc__text_add(text, " (%s)", model);
    }
    dc__text_add(text, "\n");
    add_children(text, tree, object, depth + 1);
}

static int32_t count_of(hwloc_topology_t tree, hwloc_obj_type_t type)
{
    const int count = hwloc_get_nbobjs_by_type(tree, type);
    return count > 0 ? count : 0;
}

static int64_t cache_bytes(hwloc_topology_t tree, hwloc_obj_type_t type)
{
    const hwloc_obj_t cache = hwloc_get_obj_by_type(tree, type, 0);
    return cache ? (int64_t)cache->attr->cache.size : 0;
}

static void fill(hwloc_topology_t tree, dc_topology *topology)
{
    /* Some virtual machines show neither packages nor cores. */
    const int32_t packages = count_of(tree, HWLOC_OBJ_PACKAGE);
    const int32_t cores = count_of(tree, HWLOC_OBJ_CORE);
    topology->logical_cpus = count_of(tree, HWLOC_OBJ_PU);
    topology->packages = packages > 0 ? packages : 1;
    topology->cores = cores > 0 ? cores : topology->logical_cpus;
    topology->numa_nodes = count_of(tree, HWLOC_OBJ_NUMANODE);
    topology->l1d_bytes = cache_bytes(tree, HWLOC_OBJ_L1CACHE);
    topology->l2_bytes = cache_bytes(tree, HWLOC_OBJ_L2CACHE);
    topology->l3_bytes = cache_bytes(tree, HWLOC_OBJ_L3CACHE);
    topology->l3_instances = count_of(tree, HWLOC_OBJ_L3CACHE);
    topology->memory_bytes = (int64_t)hwloc_get_root_obj(tree)->total_memory;
    const hwloc_obj_t package = hwloc_get_obj_by_type(tree, HWLOC_OBJ_PACKAGE, 0);
    const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (!model)
        model = hwloc_obj_get_info_by_name(hwloc_get_root_obj(tree), "CPUModel");
    if (model) {
        const size_t room = sizeof topology->cpu_name - 1;
        const size_t length = strnlen(model, room);
        memcpy(topology->cpu_name, model, length);
        topology->cpu_name[length] = 0;
    }
}

/* Without I/O objects (finding them may start every driver of the machine), and without moving the
 * calling thread from CPU to CPU. */
static int load(hwloc_topology_t tree, const char *synthetic)
{
    unsigned long flags = 0;
#if HWLOC_API_VERSION >= 0x00020500
    flags |= HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
#endif
    if (hwloc_topology_set_io_types_filter(tree, HWLOC_TYPE_FILTER_KEEP_NONE) != 0 ||
        hwloc_topology_set_flags(tree, flags) != 0)
        return -1;
    if (synthetic && hwloc_topology_set_synthetic(tree, synthetic) != 0)
        return -1;
    return hwloc_topology_load(tree);
}

dc_status dc__topology_from_hwloc(const char *synthetic, dc_topology *topology, dc_text *text)
{
    hwloc_topology_t tree;
    /* hwloc prints where there is no sysfs, as in many a chroot; a library must not. */
    DC_REQUIRE(synthetic || access("/sys/devices/system/cpu", R_OK) == 0, DC_E_IO,
               "dc_topology_get: there is no /sys/devices/system/cpu");
    if (hwloc_topology_init(&tree) != 0)
        return dc__fail(DC_E_MEMORY, "dc_topology_get: hwloc found no memory");
    if (load(tree, synthetic) != 0) {
        hwloc_topology_destroy(tree);
        return dc__fail(DC_E_IO, "dc_topology_get: hwloc cannot read %s",
                        synthetic ? synthetic : "this machine");
    }
    fill(tree, topology);
    add_object(text, tree, hwloc_get_root_obj(tree), 0);
    hwloc_topology_destroy(tree);
    return DC_OK;
}

#else

dc_status dc__topology_from_hwloc(const char *synthetic, dc_topology *topology, dc_text *text)
{
    (void)synthetic;
    (void)topology;
    (void)text;
    return dc__fail(DC_E_UNSUPPORTED, "dc_topology_get: this library was built without hwloc");
}

#endif
