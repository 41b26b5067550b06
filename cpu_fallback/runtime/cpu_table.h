/* The mirrors of one instruction set: one exported table per object built from isa.c. */
#ifndef DC_CPU_TABLE_H
#define DC_CPU_TABLE_H

#include "kernels/shared/mirror.h"

enum { DC_CPU_ROWS = 256, DC_CPU_DTYPES = 3 };

typedef struct dc_cpu_table {
    const char *isa;
    dc_mirror row[DC_CPU_DTYPES][DC_CPU_ROWS]; /* [dtype][operation id] */
} dc_cpu_table;

extern const dc_cpu_table dc__cpu_table_baseline;
#ifdef DC_HAVE_AVX2
extern const dc_cpu_table dc__cpu_table_avx2;
#endif
#ifdef DC_HAVE_AVX512
extern const dc_cpu_table dc__cpu_table_avx512;
#endif

#endif
