/* Sizes of the regrid rows: a map of rows x columns on the grid between its places, rows at the
 * times between theirs. */
#include <string.h>

#include "bench/harness/bench.h"

enum { MOST = 100000 };

static const dcb_size sizes[] = {{721, 1440}, {10000, 50}, {100000, 64}, {0, 0}};
static const dcb_size quick_sizes[] = {{721, 1440}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static void regrid_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    static double places[MOST], between[MOST];
    dc_regrid_params p = DC_REGRID_PARAMS_INIT;

    for (int i = 0; i < MOST && between[i] == 0; ++i) {
        places[i] = i;
        between[i] = i + 0.25;
    }
    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    p.src_lat = p.src_lon = p.times = places;
    p.dst_lat = p.dst_lon = p.at = between;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_regrid = {"regrid", sizes, quick_sizes, no_window, no_window, regrid_params};
