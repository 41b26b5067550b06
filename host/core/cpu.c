#include "host/core/cpu.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const isa_names[DC_ISA_COUNT] = {"baseline", "avx2", "avx512"};

#if defined(__x86_64__)
/* The compiler's probe also asks the operating system whether it saves the wide registers. */
static int machine_runs_avx2(void)
{
    unsigned a, b, c, d;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
        return 0;
    /* x86-64-v3 holds three more, which not every compiler's probe knows by name. */
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_F16C) || !(c & bit_MOVBE))
        return 0;
    return __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & bit_LZCNT) != 0;
}

static int machine_runs_avx512(void)
{
    return machine_runs_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
}
#else
static int machine_runs_avx2(void)
{
    return 0;
}

static int machine_runs_avx512(void)
{
    return 0;
}
#endif

/* Bit per usable instruction set.  Every thread that comes first finds the same answer. */
static int usable_mask(void)
{
    static int known; /* 0: not asked yet; baseline's bit is always set */
    int mask = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (mask != 0)
        return mask;
    mask = 1 << DC_ISA_BASELINE;
#if defined(DC_HAVE_AVX2)
    mask |= machine_runs_avx2() << DC_ISA_AVX2;
#else
    (void)machine_runs_avx2;
#endif
#if defined(DC_HAVE_AVX512)
    mask |= machine_runs_avx512() << DC_ISA_AVX512;
#else
    (void)machine_runs_avx512;
#endif
    __atomic_store_n(&known, mask, __ATOMIC_RELAXED);
    return mask;
}

int dc__cpu_isa_usable(int isa)
{
    return isa >= 0 && isa < DC_ISA_COUNT && (usable_mask() >> isa & 1);
}

int dc__cpu_isa_best(void)
{
    int isa = DC_ISA_COUNT - 1;
    while (isa > DC_ISA_BASELINE && !dc__cpu_isa_usable(isa))
        --isa;
    return isa;
}

const char *dc__isa_name(int isa)
{
    return isa >= 0 && isa < DC_ISA_COUNT ? isa_names[isa] : "?";
}

int dc__isa_from_name(const char *name)
{
    for (int isa = 0; name && isa < DC_ISA_COUNT; ++isa)
        if (strcmp(name, isa_names[isa]) == 0)
            return isa;
    return -1;
}

int32_t dc__isa_lane_bytes(int isa)
{
    return isa == DC_ISA_AVX512 ? 64 : isa == DC_ISA_AVX2 ? 32 : 16;
}

int dc__cpu_read_line(const char *directory, const char *name, char *line, size_t bytes)
{
    char path[512];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    const int ok = fgets(line, (int)bytes, file) != NULL;
    fclose(file);
    if (ok)
        line[strcspn(line, "\n")] = 0;
    return ok;
}

/* "32K" -> 32768; 0 for what is not a size. */
static int64_t size_from_text(const char *text)
{
    char *end;
    const long long value = strtoll(text, &end, 10);
    if (end == text || value <= 0 || value > INT64_MAX >> 30)
        return 0;
    if (*end == 'K')
        return value << 10;
    if (*end == 'M')
        return value << 20;
    if (*end == 'G')
        return value << 30;
    return value;
}

dc_cpu_caches dc__cpu_caches_in(const char *directory)
{
    dc_cpu_caches caches = {0, 0, 0};
    for (int index = 0; index < 16; ++index) {
        char name[32], level[16], type[32], size[32];
        snprintf(name, sizeof name, "cache/index%d/level", index);
        if (!dc__cpu_read_line(directory, name, level, sizeof level))
            break;
        snprintf(name, sizeof name, "cache/index%d/type", index);
        if (!dc__cpu_read_line(directory, name, type, sizeof type) ||
            strcmp(type, "Instruction") == 0)
            continue;
        snprintf(name, sizeof name, "cache/index%d/size", index);
        if (!dc__cpu_read_line(directory, name, size, sizeof size))
            continue;
        int64_t *const bytes = strcmp(level, "1") == 0   ? &caches.l1d_bytes
                               : strcmp(level, "2") == 0 ? &caches.l2_bytes
                               : strcmp(level, "3") == 0 ? &caches.l3_bytes
                                                         : NULL;
        if (bytes)
            *bytes = size_from_text(size);
    }
    return caches;
}

static dc_cpu_caches machine_caches;

static int64_t first_known(int64_t from_sysfs, int from_libc, int64_t common)
{
    if (from_sysfs > 0)
        return from_sysfs;
    const long value = sysconf(from_libc);
    return value > 0 ? (int64_t)value : common;
}

static void find_caches(void)
{
    const dc_cpu_caches seen = dc__cpu_caches_in("/sys/devices/system/cpu/cpu0");
    machine_caches.l1d_bytes = first_known(seen.l1d_bytes, _SC_LEVEL1_DCACHE_SIZE, 32 << 10);
    machine_caches.l2_bytes = first_known(seen.l2_bytes, _SC_LEVEL2_CACHE_SIZE, 512 << 10);
    /* Without a third level the second is the last. */
    machine_caches.l3_bytes =
        first_known(seen.l3_bytes, _SC_LEVEL3_CACHE_SIZE, machine_caches.l2_bytes);
}

dc_cpu_caches dc__cpu_caches(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_caches);
    return machine_caches;
}

/* "dddd:bb:dd.f" and nothing else, so that the address can stand in a path. */
static int is_pci_address(const char *pci)
{
    static const char form[] = "xxxx:xx:xx.x";
    if (!pci || strlen(pci) != sizeof form - 1)
        return 0;
    for (size_t i = 0; form[i]; ++i)
        if (form[i] == 'x' ? !isxdigit((unsigned char)pci[i]) : pci[i] != form[i])
            return 0;
    return 1;
}

int32_t dc__pci_numa_node_in(const char *directory, const char *pci)
{
    char name[32], line[32], *end;
    if (!is_pci_address(pci))
        return -1;
    snprintf(name, sizeof name, "%s/numa_node", pci);
    for (char *letter = name; *letter; ++letter)
        *letter = (char)tolower((unsigned char)*letter); /* as sysfs spells addresses */
    if (!dc__cpu_read_line(directory, name, line, sizeof line))
        return -1;
    const long node = strtol(line, &end, 10);
    return end == line || node < 0 || node > INT32_MAX ? -1 : (int32_t)node;
}

int32_t dc__pci_numa_node(const char *pci)
{
    return dc__pci_numa_node_in("/sys/bus/pci/devices", pci);
}
