/* The processor: which instruction sets it and its operating system run, how large its caches are,
 * which memory node a PCI device hangs on. */
#ifndef DC_CORE_CPU_H
#define DC_CORE_CPU_H

#include "dualcube/device.h"
#include "host/core/error.h"

/* 1 when this build has the mirrors of `isa` (DC_ISA_*) and this machine runs them; 0 for an
 * unknown one.  Baseline is always usable. */
DC_MODULE int dc__cpu_isa_usable(int isa);

/* The best usable instruction set. */
DC_MODULE int dc__cpu_isa_best(void);

/* "baseline", "avx2", "avx512"; "?" for an unknown one. */
DC_MODULE const char *dc__isa_name(int isa);

/* DC_ISA_* of a name, -1 for an unknown one or NULL. */
DC_MODULE int dc__isa_from_name(const char *name);

/* Bytes of one vector register: 16, 32, 64. */
DC_MODULE int32_t dc__isa_lane_bytes(int isa);

/* Bytes of one instance of each data cache, for choosing tiles; a common size where the machine
 * does not say, so never 0. */
typedef struct dc_cpu_caches {
    int64_t l1d_bytes, l2_bytes, l3_bytes;
} dc_cpu_caches;
DC_MODULE dc_cpu_caches dc__cpu_caches(void);

/* As above from the directory of one CPU, "/sys/devices/system/cpu/cpu0". */
dc_cpu_caches dc__cpu_caches_in(const char *directory);

/* NUMA node of the device at `pci` ("0000:81:00.0"), -1 where the machine does not say or the
 * address is malformed. */
DC_MODULE int32_t dc__pci_numa_node(const char *pci);

/* As above from a directory of PCI devices, "/sys/bus/pci/devices". */
int32_t dc__pci_numa_node_in(const char *directory, const char *pci);

/* First line of `<directory>/<name>` without its end; 0 when it cannot be read. */
int dc__cpu_read_line(const char *directory, const char *name, char *line, size_t bytes);

#endif
