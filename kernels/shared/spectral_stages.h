/* Kernels of the other stages of the spectral family.  OpenCL C alone, a template of T and SFX,
 * read after kernels/shared/spectral_windows.h with the names of global scratch. */

/* ---- means and medians ----------------------------------------------------------------------- */

/* A work-item for each bin of each series: part: how many. */
__kernel void FN(spectral_means)(__global T *dst, dc_i64 dst_at, __global const T *table,
                                 __global const dc_i32 *places, __global const T *sums,
                                 dc_spectral_args args, dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0), series = index / args.bins,
                 k = index - series * args.bins, size = args.planes * args.bins;
    __global const T *const count = sums + args.series * args.chunks * size + series * args.chunks;
    const T scale = table[args.at_scale + k];
    T sum[4] = {0, 0, 0, 0}, taken = 0;
    dc_i64 other, to;

    if (index >= part.p[0])
        return;
    for (dc_i64 c = 0; c < args.chunks; c++) {
        __global const T *const row = sums + (series * args.chunks + c) * size + k;

        taken += count[c];
        for (int p = 0; p < 4; p++)
            if (p < args.planes)
                sum[p] += row[p * args.bins];
    }
    for (int p = 0; p < 4; p++)
        sum[p] = DC_CAT(dc_div, SFX)(sum[p], taken);
    spectral_series_at(&args, series, &other, &to);
    dst += dst_at + to + k * args.dst_bin;
    if (args.planes == 4) {
        dst[0] = FN(spectral_quiet)(
            DC_CAT(dc_div, SFX)(FN(spectral_power)(sum[2], sum[3]), sum[0] * sum[1]));
        return;
    }
    dst[0] = FN(spectral_quiet)(sum[0] * scale);
    if (args.planes == 2)
        dst[args.dst_part] = FN(spectral_quiet)(sum[1] * scale);
}

#define SPECTRAL_KEY        DC_CAT(SPECTRAL_KEY_OF, SFX)
#define SPECTRAL_KEY_OF_f32 dc_u32
#define SPECTRAL_KEY_OF_f64 dc_u64
#define SPECTRAL_SIGN       ((SPECTRAL_KEY)1 << (8 * sizeof(T) - 1))

/* Bits in the order of values; x is not NaN. */
static inline SPECTRAL_KEY FN(spectral_key)(T x)
{
    const SPECTRAL_KEY bits = DC_CAT(SPECTRAL_BITS_OF, SFX)(x + 0); /* -0 is +0 */

    return bits & SPECTRAL_SIGN ? ~bits : bits | SPECTRAL_SIGN;
}

static inline T FN(spectral_of_key)(SPECTRAL_KEY key)
{
    return DC_CAT(SPECTRAL_OF_BITS, SFX)(key & SPECTRAL_SIGN ? key ^ SPECTRAL_SIGN : ~key);
}

/* Half the sum of the middle ones of n values: their keys bit by bit. */
static inline T FN(spectral_median)(__global const T *x, dc_i64 n)
{
    const dc_i64 rank = (n - 1) / 2;
    dc_i64 below = 0, up_to = 0;
    SPECTRAL_KEY key = 0, next = ~(SPECTRAL_KEY)0;
    T low;

    for (dc_i64 i = 0; i < n; i++)
        if (x[i] != x[i])
            return x[i];
    for (SPECTRAL_KEY bit = SPECTRAL_SIGN; bit > 0; bit >>= 1) {
        const SPECTRAL_KEY half_way = key | bit;

        below = 0;
        for (dc_i64 i = 0; i < n; i++)
            below += FN(spectral_key)(x[i]) < half_way;
        if (below <= rank)
            key = half_way;
    }
    for (dc_i64 i = 0; i < n; i++) {
        const SPECTRAL_KEY it = FN(spectral_key)(x[i]);

        up_to += it <= key;
        if (it > key && it < next)
            next = it;
    }
    low = FN(spectral_of_key)(key);
    if (n % 2 == 1)
        return low;
    return (low + (up_to > rank + 1 ? low : FN(spectral_of_key)(next))) * (T)0.5;
}

/* A work-item for each bin, and part, of each series. */
__kernel void FN(spectral_medians)(__global T *dst, dc_i64 dst_at, __global const T *table,
                                   __global const dc_i32 *places, __global const T *powers,
                                   dc_spectral_args args, dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0), row = index / args.bins,
                 k = index - row * args.bins, series = row / args.planes,
                 plane = row - series * args.planes;
    dc_i64 other, to;

    if (index >= part.p[0])
        return;
    spectral_series_at(&args, series, &other, &to);
    dst[dst_at + to + k * args.dst_bin + plane * args.dst_part] = FN(spectral_quiet)(
        DC_CAT(dc_div, SFX)(FN(spectral_median)(powers + index * args.frames, args.frames),
                            table[args.at_number + DC_SPECTRAL_BIAS]));
}

/* ---- windows added --------------------------------------------------------------------------- */

/* A work-item for each sample of each series. */
__kernel void FN(spectral_overlap)(__global T *dst, dc_i64 dst_at, __global const T *table,
                                   __global const dc_i32 *places, __global const T *windows,
                                   dc_spectral_args args, dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0), series = index / args.n,
                 i = index - series * args.n, at = i + args.first;
    const dc_i64 oldest = at < args.length ? 0 : (at - args.length) / args.hop + 1,
                 newest = min(at / args.hop, args.frames - 1);
    __global const T *const w = table + args.at_window;
    T sum = 0, norm = 0;
    dc_i64 other, to;

    if (index >= part.p[0])
        return;
    for (dc_i64 f = oldest; f <= newest; f++) {
        const dc_i64 k = at - f * args.hop;

        sum = fma(windows[(series * args.frames + f) * args.nfft + k], w[k], sum);
        norm = fma(w[k], w[k], norm);
    }
    if (norm > table[args.at_number + DC_SPECTRAL_NORM])
        sum = DC_CAT(dc_div, SFX)(sum, norm);
    spectral_series_at(&args, series, &other, &to);
    dst[dst_at + to + i * args.dst_bin] = FN(spectral_quiet)(sum);
}

/* ---- around the library's transforms --------------------------------------------------------- */

/* Windows, weighed, to dense rows of nfft samples.  A group for each; scratch for sums of trends.
 * part: elements of a group's scratch, windows. */
__kernel void FN(spectral_rows)(__global const T *src, dc_i64 src_at, __global const T *table,
                                __global const dc_i32 *places, __global T *rows,
                                __global uchar *scratch, dc_spectral_args args, dc_launch part)
{
    __global T *const room = (__global T *)scratch + (dc_i64)get_group_id(0) * part.p[0];
    __global const T *const w = table + args.at_window;
    const T centre = table[args.at_number + DC_SPECTRAL_CENTRE];
    const dc_u32 me = (dc_u32)get_local_id(0), size = (dc_u32)get_local_size(0);

    args.half = 1; /* a row is a line whose samples lie side by side */
    for (dc_i64 item = (dc_i64)get_group_id(0); item < part.p[1];
         item += (dc_i64)get_num_groups(0)) {
        const dc_i64 series = item / args.frames, window = item - series * args.frames;
        __global T *const row = rows + item * args.nfft;
        dc_i64 other, to;
        const dc_i64 from = spectral_series_at(&args, series, &other, &to);
        T m, s;

        DC_CAT(far, FN(load))
        (&args, src + src_at + from, args.src_step, args.first + window * args.hop,
         window >= args.heads ? (dc_u32)args.length : 0, row, me, size);
        barrier(CLK_GLOBAL_MEM_FENCE);
        DC_CAT(far, FN(trend))(&args, table, row, room, me, size, &m, &s);
        for (dc_i64 i = me; i < args.nfft; i += size)
            row[i] = i < args.length ? FN(spectral_weigh)(args.detrend == DC_DETREND_LINEAR, row[i],
                                                          (T)i - centre, m, s, w[i])
                                     : 0;
        barrier(CLK_GLOBAL_MEM_FENCE);
    }
}

/* Bins to dense rows of them, as pairs.  A work-item for each. */
__kernel void FN(spectral_rows_of_bins)(__global const T *src, dc_i64 src_at,
                                        __global const T *table, __global const dc_i32 *places,
                                        __global T *rows, dc_spectral_args args, dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0), item = index / args.bins,
                 k = index - item * args.bins, series = item / args.frames;
    dc_i64 other, to;

    if (index >= part.p[0])
        return;
    src += src_at + spectral_series_at(&args, series, &other, &to) +
           (item - series * args.frames) * args.src_frame;
    vstore2(FN(spectral_given)(&args, src, (dc_u32)k), index, rows);
}

/* Samples, scaled.  A work-item for each. */
static inline void FN(spectral_scaled)(const dc_spectral_args *args, const dc_launch *part,
                                       __global const T *table, __global const T *rows,
                                       __global T *dst)
{
    const dc_i64 index = (dc_i64)get_global_id(0), item = index / args->nfft,
                 i = index - item * args->nfft, series = item / args->frames;
    dc_i64 other, to;

    if (index >= part->p[0])
        return;
    spectral_series_at(args, series, &other, &to);
    dst[to + (item - series * args->frames) * args->dst_frame + i * args->dst_bin] =
        FN(spectral_quiet)(rows[index] * table[args->at_scale]);
}

/* Bins of rows to bins, powers or cross powers.  A work-item for each. */
static inline void FN(spectral_each)(const dc_spectral_args *args, const dc_launch *part,
                                     __global const T *table, __global const T *x,
                                     __global const T *y, __global T *dst)
{
    const dc_i64 index = (dc_i64)get_global_id(0), item = index / args->bins,
                 k = index - item * args->bins, series = item / args->frames;
    __global const T *const scale = table + args->at_scale;
    PAIR z;
    dc_i64 other, to;

    if (index >= part->p[0])
        return;
    spectral_series_at(args, series, &other, &to);
    dst += to + (item - series * args->frames) * args->dst_frame;
    z = vload2(index, x);
    if (args->to == DC_SPECTRAL_TO_BINS)
        FN(spectral_put)(args, dst, (dc_u32)k, z, scale[0]);
    else if (args->to == DC_SPECTRAL_TO_CROSS)
        FN(spectral_put)
    (args, dst, (dc_u32)k, FN(spectral_cross)(z, vload2(index, y)), scale[k]);
    else dst[k * args->dst_bin] = FN(spectral_quiet)(FN(spectral_power)(z.x, z.y) * scale[k]);
}

/* The same onto sums of chunks.  A work-item for each bin of each chunk. */
static inline void FN(spectral_chunks)(const dc_spectral_args *args, const dc_launch *part,
                                       __global const T *x, __global const T *y, __global T *sums)
{
    const dc_i64 index = (dc_i64)get_global_id(0), item = index / args->bins,
                 k = index - item * args->bins, series = item / args->chunks,
                 first = (item - series * args->chunks) * DC_SPECTRAL_CHUNK,
                 end = min(first + DC_SPECTRAL_CHUNK, args->frames);
    const dc_i64 size = args->planes * args->bins;
    dc_i32 taken = 0;

    if (index >= part->p[0])
        return;
    for (int p = 0; p < args->planes; p++)
        sums[item * size + p * args->bins + k] = 0;
    for (dc_i64 f = first; f < end; f++) {
        const dc_i64 row = (series * args->frames + f) * args->bins;
        const PAIR z = vload2(row + k, x);
        const PAIR other = args->inputs == 2 ? vload2(row + k, y) : (PAIR)(0, 0);

        if (args->omit && !(FN(spectral_finite)(vload2(row, x)) &&
                            (args->inputs == 1 || FN(spectral_finite)(vload2(row, y)))))
            continue;
        DC_CAT(far, FN(add_bin))
        (args, args->planes, sums + item * size, (dc_u32)args->bins * (args->planes / 2), (dc_u32)k,
         z, other);
        taken++;
    }
    if (k == 0)
        sums[args->series * args->chunks * size + item] = (T)taken;
}

#define SPECTRAL_OF_ROWS(row, ...)                                                                 \
    __kernel void FN(row)(__global T * dst, dc_i64 dst_at, __global const T *table,                \
                          __global const dc_i32 *places, __global const T *x,                      \
                          dc_spectral_args args, dc_launch part)                                   \
    {                                                                                              \
        dst += dst_at;                                                                             \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    __kernel void FN(row##_scratch)(__global const T *table, __global const dc_i32 *places,        \
                                    __global const T *x, __global T *dst, dc_spectral_args args,   \
                                    dc_launch part)                                                \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
SPECTRAL_OF_ROWS(spectral_bins_scaled, FN(spectral_scaled)(&args, &part, table, x, dst))
SPECTRAL_OF_ROWS(spectral_bins_each, FN(spectral_each)(&args, &part, table, x, x, dst))

__kernel void FN(spectral_bins_cross)(__global const T *table, __global const dc_i32 *places,
                                      __global const T *x, __global const T *y, __global T *dst,
                                      dc_spectral_args args, dc_launch part)
{
    FN(spectral_each)(&args, &part, table, x, y, dst);
}

__kernel void FN(spectral_bins_sums)(__global const T *table, __global const dc_i32 *places,
                                     __global const T *x, __global T *sums, dc_spectral_args args,
                                     dc_launch part)
{
    FN(spectral_chunks)(&args, &part, x, x, sums);
}

__kernel void FN(spectral_bins_sums_of_two)(__global const T *table, __global const dc_i32 *places,
                                            __global const T *x, __global const T *y,
                                            __global T *sums, dc_spectral_args args, dc_launch part)
{
    FN(spectral_chunks)(&args, &part, x, y, sums);
}

/* Bands and features of dense rows of bins.  A group for each; part: elements of a group's scratch,
 * windows, bands that are summed at a time. */
static inline void FN(spectral_of_rows)(const dc_spectral_args *args, const dc_launch *part,
                                        __global T *dst, __global const T *table,
                                        __global const dc_i32 *places, __global const T *x,
                                        __global uchar *scratch, int to)
{
    __global T *const line = (__global T *)scratch + (dc_i64)get_group_id(0) * part->p[0];
    __global T *const room = line + args->bins;
    __global const dc_i32 *const list = places + args->at_list;
    __global const T *const scale = table + args->at_scale;
    const dc_u32 me = (dc_u32)get_local_id(0), size = (dc_u32)get_local_size(0);
    const int root = to == DC_SPECTRAL_TO_FEATURES && args->weight == DC_WEIGHT_MAGNITUDE;

    for (dc_i64 item = (dc_i64)get_group_id(0); item < part->p[1];
         item += (dc_i64)get_num_groups(0)) {
        const dc_i64 series = item / args->frames, window = item - series * args->frames;
        const int there = window >= args->heads;
        dc_i64 other, to_row;
        __global T *row;

        spectral_series_at(args, series, &other, &to_row);
        row = dst + to_row + window * args->dst_frame;
        for (dc_i64 k = me; k < args->bins; k += size) {
            const PAIR z = vload2(item * args->bins + k, x);
            const T g = FN(spectral_power)(z.x, z.y) * scale[k];

            line[k] = root ? DC_CAT(dc_sqrt, SFX)(g) : g;
        }
        barrier(CLK_GLOBAL_MEM_FENCE);
        if (to == DC_SPECTRAL_TO_BANDS) { /* known when the kernel is compiled */
            DC_CAT(far, FN(put_bands))
            (args, list, 0, line, room, (dc_u32)part->p[2], row, there, me, size);
        } else {
            DC_CAT(far, FN(put_features))
            (args, table, list, 0, line, room, row, there, me, size);
        }
        if (!there)
            DC_CAT(far, FN(put_head))(args, row, me, size);
        barrier(CLK_GLOBAL_MEM_FENCE);
    }
}

#define SPECTRAL_SHAPE(name, to)                                                                   \
    __kernel void FN(name)(__global T * dst, dc_i64 dst_at, __global const T *table,               \
                           __global const dc_i32 *places, __global const T *x,                     \
                           __global uchar *scratch, dc_spectral_args args, dc_launch part)         \
    {                                                                                              \
        FN(spectral_of_rows)(&args, &part, dst + dst_at, table, places, x, scratch, to);           \
    }
SPECTRAL_SHAPE(spectral_bins_bands, DC_SPECTRAL_TO_BANDS)
SPECTRAL_SHAPE(spectral_bins_features, DC_SPECTRAL_TO_FEATURES)
