/* How spectra are cut for a device: see kernels/spectral.cl. */
#include <string.h>

#include "dualcube/kinds.h"
#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/spectral.h"

enum {
    GROUP = 64, /* work-items; of long lines                                           */
    GROUP_LONG = 256,
    GROUP_CPU = 64,
    LONG = 1024,           /* numbers of a long line                                             */
    NUMBERS = 8,           /* of a work-item                                                     */
    LOCAL_LEAST = 1024,    /* bytes that are worth it                                        */
    CORE_MOST = 1 << 17,   /* numbers: butterflies times their span are below 2^32               */
    LINES_ACROSS = 8,      /* that make a whole piece of memory                                  */
    BANDS_MOST = 8,        /* summed at a time                                                   */
    GROUPS_MOST = 1 << 22, /* they go round                                                     */
    ROOM_LAGS = 4096,      /* columns of products of a round                                     */
    GROUPS_FAR = 8,        /* for each compute unit                                              */
    LOAD_ACROSS = 1,       /* bits of part.p[2], as in kernels/spectral.cl                       */
    STORE_ACROSS = 2,
    SERIES_FAST = 4,
    BANDS = 8,
    SUMS = 7 /* DC_SPECTRAL_SUMS of kernels/shared/spectral_shape.h                */
};

typedef struct cutter {
    const dc_step *step;
    const dc_spectral_args *args;
    const dc_cl_caps *caps;
    dc_cl_geometry *geometry;
    int64_t size; /* bytes of a value */
} cutter;

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

static int64_t least(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

/* Columns of the leaves of n terms. */
static int64_t tasks(int64_t n)
{
    return (n + DC_SPECTRAL_LEAF - 1) / DC_SPECTRAL_LEAF * DC_SPECTRAL_COLUMNS;
}

static int64_t fits(const cutter *c, int64_t wanted)
{
    while (wanted > 1 && wanted > c->caps->max_group)
        wanted /= 2;
    return wanted;
}

static int64_t group_size(const cutter *c)
{
    if (c->caps->is_cpu)
        return fits(c, GROUP_CPU);
    return fits(c, c->args->core > LONG ? GROUP_LONG : GROUP);
}

static dc_status launch(cutter *c, const char *kernel, int64_t groups, int64_t size,
                        int64_t local_bytes, dc_launch part)
{
    int64_t items;

    DC_REQUIRE(!__builtin_mul_overflow(groups, size, &items), DC_E_UNSUPPORTED,
               "%s: %lld groups of %lld work-items are too many for one launch", c->step->op->name,
               (long long)groups, (long long)size);
    c->geometry->launch[c->geometry->nlaunches++] = (dc_cl_launch){
        .kernel = kernel,
        .global = {(size_t)items, 1, 1},
        .local = {(size_t)size, 1, 1},
        .local_bytes = local_bytes,
        .part = part,
    };
    return DC_OK;
}

static dc_status launch_items(cutter *c, const char *kernel, int64_t items)
{
    const int64_t size = fits(c, GROUP);

    if (items <= 0)
        return DC_OK;
    return launch(c, kernel, (items - 1) / size + 1, size, 0, (dc_launch){{items, 0, 0, 0}});
}

/* ---- lines ---------------------------------------------------------------------------------- */

static int64_t bands_of(const dc_spectral_args *a)
{
    return a->list < BANDS_MOST ? a->list > 0 ? a->list : 1 : BANDS_MOST;
}

/* Values of a line's memory; numbers lie apart in local memory (PLACE in kernels/spectral.cl). */
static int64_t line_of(const cutter *c, int near)
{
    const dc_spectral_args *const a = c->args;
    const int64_t last = a->core - 1, apart = near ? last >> (c->size == 4 ? 4 : 3) : 0;
    const int series = a->stage == DC_SPECTRAL_SERIES;
    int64_t trend = 0, sums = 0, values = 2 * (last + apart + 1) + 1;

    if (!series && a->detrend != DC_DETREND_NONE)
        trend = tasks(a->length) * (a->detrend == DC_DETREND_LINEAR ? 2 : 1);
    if (!series && a->to == DC_SPECTRAL_TO_BANDS)
        sums = tasks(a->bins) * bands_of(a);
    if (!series && a->to == DC_SPECTRAL_TO_FEATURES)
        sums = tasks(a->bins) * SUMS;
    values += trend > sums ? trend : sums;
    if (!series && a->to == DC_SPECTRAL_TO_SUMS)
        values += a->bins * a->planes / a->inputs;
    values = (values + 1) / 2;
    return 2 * (values | 1); /* an odd number of pairs: lines begin in different banks */
}

/* How neighbouring lines lie to each other. */
static int64_t order_of(const dc_spectral_args *a)
{
    const int64_t last = a->naxes - 1;
    const int64_t src = a->naxes > 0 && a->shape[last] > 1 ? magnitude(a->src_stride[last]) : 0;
    const int64_t dst = a->naxes > 0 && a->shape[last] > 1 ? magnitude(a->dst_stride[last]) : 0;
    const int fast = src > 0 && src < magnitude(a->src_step);
    const int64_t next = fast || a->frames == 1 ? dst : magnitude(a->dst_frame);
    int64_t flags = 0;

    if (fast)
        flags |= SERIES_FAST | LOAD_ACROSS;
    if (a->stage == DC_SPECTRAL_SERIES && !fast && a->src_frame != 0 &&
        magnitude(a->src_frame) < magnitude(a->src_step))
        flags |= LOAD_ACROSS;
    if (next > 0 && next < magnitude(a->dst_bin))
        flags |= STORE_ACROSS;
    return flags;
}

/* Lines of a group of `size` work-items in local memory; 0: there is no room. */
static int64_t lines_of(const cutter *c, int64_t size, int64_t line, int64_t flags)
{
    const int64_t views = c->args->stage == DC_SPECTRAL_SERIES ? 1 : c->args->inputs;
    const int64_t room = c->caps->local_bytes / c->size / line;
    const int64_t wanted =
        flags & (LOAD_ACROSS | STORE_ACROSS) ? least(LINES_ACROSS * views, size) : views;
    int64_t lines = size;

    if (c->caps->local_bytes < LOCAL_LEAST)
        return 0;
    while (lines > views && (size / lines * NUMBERS < c->args->core || lines > room))
        lines /= 2;
    while (lines < wanted && 4 * lines <= room) /* another group beside */
        lines *= 2;
    return lines <= room ? lines : 0;
}

static dc_status cut_lines(cutter *c, const char *near, const char *far)
{
    const dc_spectral_args *const a = c->args;
    const int64_t views = a->stage == DC_SPECTRAL_SERIES ? 1 : a->inputs, size = group_size(c);
    const int64_t across =
        a->stage != DC_SPECTRAL_SERIES && a->to == DC_SPECTRAL_TO_SUMS ? a->chunks : a->frames;
    int64_t flags = order_of(a), line = line_of(c, 1), items, lines, groups, bytes;

    DC_REQUIRE(a->core <= CORE_MOST, DC_E_UNSUPPORTED, "%s: transforms of %lld numbers; at most %d",
               c->step->op->name, (long long)a->core, CORE_MOST);

    DC_REQUIRE(!__builtin_mul_overflow(a->series, across, &items), DC_E_UNSUPPORTED,
               "%s: more than 2^63 windows", c->step->op->name);
    DC_REQUIRE(size >= views, DC_E_UNSUPPORTED, "%s: needs groups of 2 work-items",
               c->step->op->name);
    lines = lines_of(c, size, line, flags);
    flags |= bands_of(a) << BANDS;
    if (lines > 0) {
        groups = (items - 1) / (lines / views) + 1;
        return launch(c, near, least(groups, GROUPS_MOST), size, lines * line * c->size,
                      (dc_launch){{lines, line, flags, items}});
    }
    line = line_of(c, 0);
    flags &= ~(int64_t)(LOAD_ACROSS | STORE_ACROSS);
    bytes = views * line * c->size;
    groups = least(items, (int64_t)c->caps->compute_units * GROUPS_FAR);
    groups = least(groups, c->caps->scratch_limit_bytes / bytes);
    DC_REQUIRE(groups > 0, DC_E_UNSUPPORTED, "%s: needs %lld bytes of scratch; %lld may be used",
               c->step->op->name, (long long)bytes, (long long)c->caps->scratch_limit_bytes);
    c->geometry->scratch_bytes = groups * bytes;
    return launch(c, far, groups, size, 0, (dc_launch){{views, line, flags, items}});
}

/* Rows that do the same have a kernel each.  CPU devices compile a kernel when it first runs: there
 * they share one. */
static const char *row_of(const cutter *c)
{
    if (c->caps->is_cpu)
        switch (c->args->kind) {
        case DC_SPECTRAL_STFT:
            return "spectral_rfft";
        case DC_SPECTRAL_SPECTROGRAM:
            return "spectral_periodogram";
        case DC_SPECTRAL_ROLLING_BANDS:
            return "spectral_bands";
        default:
            break;
        }
    return c->step->op->name;
}

static dc_status cut_windows(cutter *c)
{
    const char *const name = row_of(c);

    switch (c->args->to) {
    case DC_SPECTRAL_TO_SUMS:
        return cut_lines(c, name,
                         c->args->planes == 1   ? "spectral_far_welch"
                         : c->args->planes == 2 ? "spectral_far_csd"
                                                : "spectral_far_coherence");
    case DC_SPECTRAL_TO_CROSS:
        return cut_lines(c, "spectral_cross_rows", "spectral_far_cross_rows");
    case DC_SPECTRAL_TO_BANDS:
        return cut_lines(c, name, "spectral_far_bands");
    case DC_SPECTRAL_TO_FEATURES:
        return cut_lines(c, name, "spectral_far_features");
    default:
        break;
    }
    if (c->args->to_scratch)
        return cut_lines(c, "spectral_power_rows", "spectral_far_power_rows");
    return cut_lines(c, name, "spectral_far_windows");
}

/* ---- other stages ---------------------------------------------------------------------------- */

/* Groups that go round over `items`, each with `values` of scratch. */
static dc_status cut_groups(cutter *c, const char *kernel, int64_t items, int64_t values,
                            dc_launch part)
{
    const int64_t bytes = values * c->size,
                  size = fits(c, c->caps->is_cpu ? GROUP_CPU : GROUP_LONG);
    int64_t groups = least(items, (int64_t)c->caps->compute_units * GROUPS_FAR);

    groups = least(groups, c->caps->scratch_limit_bytes / bytes);
    DC_REQUIRE(groups > 0, DC_E_UNSUPPORTED, "%s: needs %lld bytes of scratch; %lld may be used",
               c->step->op->name, (long long)bytes, (long long)c->caps->scratch_limit_bytes);
    c->geometry->scratch_bytes = groups * bytes;
    return launch(c, kernel, groups, size, 0, part);
}

static dc_status cut_rows(cutter *c)
{
    const dc_spectral_args *const a = c->args;
    const int64_t items = a->series * a->frames, values = 2 * tasks(a->length);

    if (a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT)
        return launch_items(c, "spectral_rows_of_bins", items * a->bins);
    return cut_groups(c, "spectral_rows", items, values, (dc_launch){{values, items, 0, 0}});
}

static dc_status cut_bins(cutter *c)
{
    const dc_spectral_args *const a = c->args;
    const int64_t items = a->series * a->frames, bands = bands_of(a);
    const int features = a->to == DC_SPECTRAL_TO_FEATURES;
    const int64_t values = a->bins + tasks(a->bins) * (features ? SUMS : bands);

    if (a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT)
        return launch_items(c,
                            a->to_scratch ? "spectral_bins_scaled_scratch" : "spectral_bins_scaled",
                            items * a->nfft);
    switch (a->to) {
    case DC_SPECTRAL_TO_SUMS:
        return launch_items(c, a->inputs == 1 ? "spectral_bins_sums" : "spectral_bins_sums_of_two",
                            a->series * a->chunks * a->bins);
    case DC_SPECTRAL_TO_CROSS:
        return launch_items(c, "spectral_bins_cross", items * a->bins);
    case DC_SPECTRAL_TO_BANDS:
    case DC_SPECTRAL_TO_FEATURES:
        return cut_groups(c, features ? "spectral_bins_features" : "spectral_bins_bands", items,
                          values, (dc_launch){{values, items, bands, 0}});
    default:
        return launch_items(c, a->to_scratch ? "spectral_bins_each_scratch" : "spectral_bins_each",
                            items * a->bins);
    }
}

static dc_status cut_lags(cutter *c)
{
    const dc_spectral_args *const a = c->args;
    const int64_t runs = (a->n - 1) / DC_SPECTRAL_ACF_RUN + 1,
                  each = runs * DC_SPECTRAL_ACF_COLUMNS;
    int64_t room = 2 * tasks(a->n), values;

    if (room < each * least(a->lags + 1, ROOM_LAGS / each + 1))
        room = each * least(a->lags + 1, ROOM_LAGS / each + 1);
    values = a->n + a->lags + 1 + room;
    return cut_groups(c, a->to_scratch ? "spectral_lags_rows" : "spectral_acf", a->series, values,
                      (dc_launch){{values, room, a->series, 0}});
}

dc_status dc__cl_cut_spectral(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                              dc_cl_geometry *geometry)
{
    const dc_spectral_args *const a = step->args;
    cutter c = {step, a, caps, geometry, step->dtype == DC_F32 ? 4 : 8};

    memset(geometry, 0, sizeof *geometry);
    geometry->launch = dc__arena_alloc(arena, 2 * sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    switch (a->stage) {
    case DC_SPECTRAL_WINDOWS:
        return cut_windows(&c);
    case DC_SPECTRAL_SERIES:
        return a->to_scratch ? cut_lines(&c, "spectral_istft", "spectral_far_istft")
                             : cut_lines(&c, "spectral_irfft", "spectral_far_irfft");
    case DC_SPECTRAL_MEANS:
        return launch_items(&c, "spectral_means", a->series * a->bins);
    case DC_SPECTRAL_MEDIANS:
        return launch_items(&c, "spectral_medians", a->series * a->planes * a->bins);
    case DC_SPECTRAL_OVERLAP:
        return launch_items(&c, "spectral_overlap", a->series * a->n);
    case DC_SPECTRAL_LAGS:
        return cut_lags(&c);
    case DC_SPECTRAL_TIMES:
        return launch_items(&c, "spectral_lombscargle", a->series * a->bins);
    case DC_SPECTRAL_RATIOS:
        return launch_items(&c, "spectral_ratios", a->series * (a->lags + 1));
    case DC_SPECTRAL_PEAKS:
        return launch_items(&c, "spectral_find_period", a->series);
    case DC_SPECTRAL_ROWS:
        return cut_rows(&c);
    default:
        return cut_bins(&c);
    }
}
