#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "tools/dualcube/session.h"
#include "tools/dualcube/ui.h"

enum { JSON = CLI_FIRST_ID, TOPOLOGY, CHECK };

static const cli_option options[] = {
    {"check", 0, NULL, "run the self-check of every device: what is promised there", CHECK},
    {"topology", 0, NULL, "print packages, cores, caches and NUMA nodes", TOPOLOGY},
    {"json", 0, NULL, "print JSON", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "devices [--check] [--topology] [--json]",
    "List the CPU and every OpenCL device, broken drivers with their error.  Drivers are probed in "
    "a\n"
    "helper process.  Exit code 1: a device is not usable or, with --check, lacks what it needs.",
    "  dualcube devices --check",
    options,
};

static const struct {
    int32_t bit;
    const char *name;
} checks[] = {
    {DC_CHECK_CONTRACT_OFF, "contraction off"},
    {DC_CHECK_FMA, "fma"},
    {DC_CHECK_DIVIDE, "f32 divide"},
    {DC_CHECK_SQRT, "f32 sqrt"},
    {DC_CHECK_DENORM, "f32 denormals"},
    {DC_CHECK_BARRIER, "barriers"},
    {DC_CHECK_INT64, "int64"},
    {DC_CHECK_ATOMIC64, "int64 atomics"},
    {DC_CHECK_FP64, "float64"},
};

enum { CHECKS = sizeof checks / sizeof *checks, DEVICES = 64 };

typedef struct listing {
    dc_context *context;
    dc_topology topology;
    dc_device_info device[DEVICES];
    int32_t count;
    char no_opencl[512]; /* why, "" when there is an OpenCL device */
    int check, findings;
} listing;

static int collect(listing *l)
{
    dc_device *device;
    dc_status status = dc_context_new(NULL, &l->context);

    l->topology.struct_size = sizeof l->topology;
    if (status == DC_OK)
        status = dc_topology_get(&l->topology);
    if (status != DC_OK)
        return cli_fail_status(status);
    l->count = dc_device_count(l->context);
    l->count = l->count < DEVICES ? l->count : DEVICES;
    for (int32_t k = 0; k < l->count; ++k) {
        dc_device_info *d = &l->device[k];

        d->struct_size = sizeof *d;
        status = dc_device_at(l->context, k, &device);
        if (status == DC_OK)
            status = dc_device_get_info(device, d);
        if (status == DC_OK && l->check && d->usable && dc_device_check(device, d) != DC_OK) {
            d->usable = 0;
            snprintf(d->error, sizeof d->error, "%.250s", dc_last_error());
        }
        if (status != DC_OK)
            return cli_fail_status(status);
        l->findings += !d->usable || (l->check && !d->exact);
    }
    if (l->count <= 1 && dc_device_find(l->context, "opencl", &device) != DC_OK)
        snprintf(l->no_opencl, sizeof l->no_opencl, "%s", dc_last_error());
    return 0;
}

static void print_checks(const dc_device_info *d)
{
    char missing[256] = "";

    for (int k = 0; k < CHECKS; ++k)
        if (!(d->checks & checks[k].bit)) {
            size_t n = strlen(missing);

            snprintf(missing + n, sizeof missing - n, "%s%s", n ? ", " : "", checks[k].name);
        }
    if (!(d->checks & DC_CHECK_RAN))
        printf("%-12s not run (dualcube devices --check)\n", "  self-check");
    else
        printf("%-12s %s%s%s%s%s\n", "  self-check", ui_on(stdout, d->exact ? UI_GOOD : UI_WARN),
               d->exact ? "exact: the same bits are promised here" : "not exact", ui_off(stdout),
               *missing ? "; lacks " : "", missing);
}

static void print_device(const dc_device_info *d)
{
    char a[UI_TEXT], b[UI_TEXT], c[UI_TEXT];

    printf("\n%s%-12s %s%s\n", ui_on(stdout, UI_BOLD), d->id, *d->name ? d->name : "(unnamed)",
           ui_off(stdout));
    if (*d->platform || *d->driver)
        printf("%-12s %s%s%s\n", "  driver", d->platform, *d->platform && *d->driver ? ", " : "",
               d->driver);
    if (!d->usable) {
        printf("%-12s %snot usable: %s%s\n", "  error", ui_on(stdout, UI_BAD), d->error,
               ui_off(stdout));
        return;
    }
    if (d->kind == DC_DEVICE_CPU)
        printf("%-12s %d thread%s, %s\n", "  computes", (int)d->compute_units,
               d->compute_units == 1 ? "" : "s", isa_name(d->isa));
    else
        printf("%-12s %d units, groups of %d, %s\n", "  computes", (int)d->compute_units,
               (int)d->max_group, d->fp64 ? "float32 and float64" : "float32 only");
    if (d->global_bytes > 0)
        printf("%-12s %s%s%s%s%s%s\n", "  memory", ui_bytes(a, (double)d->global_bytes),
               d->unified_memory ? ", shared with the host" : "",
               d->max_alloc_bytes > 0 ? ", buffers to " : "",
               d->max_alloc_bytes > 0 ? ui_bytes(b, (double)d->max_alloc_bytes) : "",
               d->local_bytes > 0 ? ", local " : "",
               d->local_bytes > 0 ? ui_bytes(c, (double)d->local_bytes) : "");
    if (*d->pci || d->numa_node >= 0)
        printf("%-12s %s%sNUMA node %d\n", "  hangs on", d->pci, *d->pci ? ", " : "",
               (int)d->numa_node);
    print_checks(d);
}

static void print_machine(const dc_topology *t)
{
    char a[UI_TEXT], b[UI_TEXT], c[UI_TEXT], d[UI_TEXT];

    printf("%s%-12s %s%s\n", ui_on(stdout, UI_BOLD), "machine", t->cpu_name, ui_off(stdout));
    printf("%-12s %d package%s, %d core%s, %d logical CPU%s, %d NUMA node%s\n", "  has",
           (int)t->packages, t->packages == 1 ? "" : "s", (int)t->cores, t->cores == 1 ? "" : "s",
           (int)t->logical_cpus, t->logical_cpus == 1 ? "" : "s", (int)t->numa_nodes,
           t->numa_nodes == 1 ? "" : "s");
    printf("%-12s L1d %s, L2 %s, L3 %s x %d, memory %s\n", "  caches",
           ui_bytes(a, (double)t->l1d_bytes), ui_bytes(b, (double)t->l2_bytes),
           ui_bytes(c, (double)t->l3_bytes), (int)t->l3_instances,
           ui_bytes(d, (double)t->memory_bytes));
    printf("%-12s %d thread%s (affinity %d", "  granted", (int)t->threads,
           t->threads == 1 ? "" : "s", (int)t->affinity_cpus);
    if (t->quota_cpus > 0)
        printf(", quota %.2g CPUs", t->quota_cpus);
    printf("); instruction sets: %s\n", t->isas);
}

static cJSON *device_json(const dc_device_info *d)
{
    cJSON *o = cJSON_CreateObject(), *c;

    cJSON_AddStringToObject(o, "id", d->id);
    cJSON_AddStringToObject(o, "kind", d->kind == DC_DEVICE_CPU ? "cpu" : "opencl");
    cJSON_AddBoolToObject(o, "usable", d->usable);
    cJSON_AddStringToObject(o, "error", d->error);
    cJSON_AddStringToObject(o, "name", d->name);
    cJSON_AddStringToObject(o, "vendor", d->vendor);
    cJSON_AddStringToObject(o, "driver", d->driver);
    cJSON_AddStringToObject(o, "platform", d->platform);
    cJSON_AddStringToObject(o, "pci", d->pci);
    cJSON_AddNumberToObject(o, "numa_node", d->numa_node);
    cJSON_AddStringToObject(o, "isa", d->kind == DC_DEVICE_CPU ? isa_name(d->isa) : "");
    cJSON_AddBoolToObject(o, "fp64", d->fp64);
    cJSON_AddBoolToObject(o, "unified_memory", d->unified_memory);
    cJSON_AddNumberToObject(o, "compute_units", d->compute_units);
    cJSON_AddNumberToObject(o, "max_group", d->max_group);
    cJSON_AddNumberToObject(o, "global_bytes", (double)d->global_bytes);
    cJSON_AddNumberToObject(o, "max_alloc_bytes", (double)d->max_alloc_bytes);
    cJSON_AddNumberToObject(o, "local_bytes", (double)d->local_bytes);
    if (!(d->checks & DC_CHECK_RAN)) {
        cJSON_AddNullToObject(o, "checks");
        cJSON_AddNullToObject(o, "exact");
        return o;
    }
    c = cJSON_AddObjectToObject(o, "checks");
    for (int k = 0; k < CHECKS; ++k)
        cJSON_AddBoolToObject(c, checks[k].name, !!(d->checks & checks[k].bit));
    cJSON_AddBoolToObject(o, "exact", d->exact);
    return o;
}

static cJSON *machine_json(const dc_topology *t, int tree)
{
    cJSON *o = cJSON_CreateObject();

    cJSON_AddStringToObject(o, "cpu", t->cpu_name);
    cJSON_AddNumberToObject(o, "packages", t->packages);
    cJSON_AddNumberToObject(o, "cores", t->cores);
    cJSON_AddNumberToObject(o, "logical_cpus", t->logical_cpus);
    cJSON_AddNumberToObject(o, "numa_nodes", t->numa_nodes);
    cJSON_AddNumberToObject(o, "affinity_cpus", t->affinity_cpus);
    cJSON_AddNumberToObject(o, "quota_cpus", t->quota_cpus);
    cJSON_AddNumberToObject(o, "threads", t->threads);
    cJSON_AddNumberToObject(o, "l1d_bytes", (double)t->l1d_bytes);
    cJSON_AddNumberToObject(o, "l2_bytes", (double)t->l2_bytes);
    cJSON_AddNumberToObject(o, "l3_bytes", (double)t->l3_bytes);
    cJSON_AddNumberToObject(o, "l3_instances", t->l3_instances);
    cJSON_AddNumberToObject(o, "memory_bytes", (double)t->memory_bytes);
    cJSON_AddStringToObject(o, "isas", t->isas);
    if (tree)
        cJSON_AddStringToObject(o, "topology", dc_topology_text());
    return o;
}

static int print_json(const listing *l, int tree)
{
    cJSON *root = cJSON_CreateObject(), *devices;
    char *text;

    cJSON_AddStringToObject(root, "library", dc_version());
    cJSON_AddItemToObject(root, "machine", machine_json(&l->topology, tree));
    devices = cJSON_AddArrayToObject(root, "devices");
    for (int32_t k = 0; k < l->count; ++k)
        cJSON_AddItemToArray(devices, device_json(&l->device[k]));
    if (*l->no_opencl)
        cJSON_AddStringToObject(root, "no_opencl", l->no_opencl);
    text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return cli_fail(CLI_FAILED, "out of memory");
    puts(text);
    cJSON_free(text);
    return 0;
}

static void print_text(const listing *l, int tree)
{
    print_machine(&l->topology);
    for (int32_t k = 0; k < l->count; ++k)
        print_device(&l->device[k]);
    if (*l->no_opencl)
        printf("\n%s%-12s none: %s%s\n", ui_on(stdout, UI_DIM), "opencl", l->no_opencl,
               ui_off(stdout));
    if (tree)
        printf("\n%s", dc_topology_text());
}

int cli_devices(int argc, char **argv)
{
    static listing l;
    cli_parser p;
    int id, json = 0, tree = 0, code;

    cli_begin(&p, &usage, argc, argv);
    while ((id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        if (id == CLI_OPERAND)
            return cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
        json |= id == JSON;
        tree |= id == TOPOLOGY;
        l.check |= id == CHECK;
    }
    code = collect(&l);
    if (!code && json)
        code = print_json(&l, tree);
    else if (!code)
        print_text(&l, tree);
    dc_context_free(l.context);
    return code ? code : l.findings ? CLI_FINDING : CLI_FINE;
}
