/* A group's transforms.  A part of cpu_fallback/spectral.c. */

/* z, `points` numbers, to element k at place k of the table; the first `done` passes are done. */
static void FN(spectral_transform)(const FN(spectral_lanes) * g, int turn, int done)
{
    const dc_spectral_args *const a = g->a;
    const T *const twiddle = g->value + a->at_twiddle;
    const T *const chirp = g->value + a->at_chirp, *const kernel = g->value + a->at_kernel;
    FN(vec) *const re = g->z + turn, *const im = g->z + 1 - turn;

    if (!a->bluestein) {
        FN(spectral_forth)(a, twiddle, g->z, turn, done);
        return;
    }
    for (dc_i64 i = 0; i < a->points; i++)
        FN(spectral_twist)
    (&re[2 * i], &im[2 * i], FN(vset)(chirp[2 * i]), FN(vset)(chirp[2 * i + 1]));
    for (dc_i64 i = 2 * a->points; i < 2 * a->core; i++)
        g->z[i] = FN(vzero)();
    FN(spectral_forth)(a, twiddle, g->z, turn, 0);
    for (dc_i64 i = 0; i < a->core; i++)
        FN(spectral_twist)
    (&re[2 * i], &im[2 * i], FN(vset)(kernel[2 * i]), FN(vset)(kernel[2 * i + 1]));
    FN(spectral_fro)(a, twiddle, g->z, 1 - turn);
    for (dc_i64 i = 0; i < a->points; i++)
        FN(spectral_twist)
    (&re[2 * i], &im[2 * i], FN(vset)(chirp[2 * i]), FN(vset)(chirp[2 * i + 1]));
}

/* Bins of the transform in z, as pairs. */
static void FN(spectral_unpack_bins)(const FN(spectral_lanes) * g, FN(vec) * x)
{
    const dc_spectral_args *const a = g->a;
    const dc_i32 *const place = g->whole + a->at_place;
    const T *const post = g->value + a->at_post;
    const dc_i64 m = a->points;
    const FN(vec) *const z = g->z;

    if (!a->half) {
        for (dc_i64 k = 0; k < a->bins; k++) {
            x[2 * k] = z[2 * place[k]];
            x[2 * k + 1] = z[2 * place[k] + 1];
        }
        return;
    }
    x[0] = z[2 * place[0]] + z[2 * place[0] + 1];
    x[2 * m] = z[2 * place[0]] - z[2 * place[0] + 1];
    x[1] = x[2 * m + 1] = FN(vzero)();
    for (dc_i64 k = 1; 2 * k <= m; k++) {
        const FN(vec) *const p = z + 2 * place[k], *const q = z + 2 * place[m - k];
        FN(vec) are = p[0], aim = p[1], bre = q[0], bim = q[1];

        FN(spectral_unpack)
        (&are, &aim, &bre, &bim, FN(vset)(post[2 * k]), FN(vset)(post[2 * k + 1]));
        x[2 * (m - k)] = bre;
        x[2 * (m - k) + 1] = bim;
        x[2 * k] = are;
        x[2 * k + 1] = aim;
    }
}

/* Their powers. */
static void FN(spectral_unpack_power)(const FN(spectral_lanes) * g, FN(vec) * q)
{
    const dc_spectral_args *const a = g->a;
    const dc_i32 *const place = g->whole + a->at_place;
    const T *const post = g->value + a->at_post;
    const dc_i64 m = a->points;
    const FN(vec) *const z = g->z;
    FN(vec) x;

    if (!a->half) {
        for (dc_i64 k = 0; k < a->bins; k++)
            q[k] = FN(spectral_power)(z[2 * place[k]], z[2 * place[k] + 1]);
        return;
    }
    x = z[2 * place[0]] + z[2 * place[0] + 1];
    q[0] = FN(spectral_power)(x, FN(vzero)());
    x = z[2 * place[0]] - z[2 * place[0] + 1];
    q[m] = FN(spectral_power)(x, FN(vzero)());
    for (dc_i64 k = 1; 2 * k <= m; k++) {
        const FN(vec) *const u = z + 2 * place[k], *const v = z + 2 * place[m - k];
        FN(vec) are = u[0], aim = u[1], bre = v[0], bim = v[1];

        FN(spectral_unpack)
        (&are, &aim, &bre, &bim, FN(vset)(post[2 * k]), FN(vset)(post[2 * k + 1]));
        q[m - k] = FN(spectral_power)(bre, bim);
        q[k] = FN(spectral_power)(are, aim);
    }
}

/* The window of one of the series, transformed in z. */
static void FN(spectral_window_of)(FN(spectral_lanes) * g, int which)
{
    const dc_spectral_args *const a = g->a;

    if (FN(spectral_is_plain)(a)) {
        FN(spectral_first_pass_of)(g, which);
        FN(spectral_transform)(g, 0, 1);
        return;
    }
    FN(spectral_samples)(g, which, g->z, a->half ? 1 : 2);
    if (!a->half)
        for (dc_i64 i = 0; i < a->points; i++)
            g->z[2 * i + 1] = FN(vzero)();
    FN(spectral_transform)(g, 0, 0);
}

/* Bins of one of the series to g->x[which]. */
static void FN(spectral_bins_of)(FN(spectral_lanes) * g, int which)
{
    const dc_spectral_args *const a = g->a;

    if (a->stage == DC_SPECTRAL_BINS) {
        FN(spectral_load_rows)(g->from, 2 * a->bins, g->x[which], 1, VEC_LANES * g->row);
        return;
    }
    FN(spectral_window_of)(g, which);
    FN(spectral_unpack_bins)(g, g->x[which]);
}

/* Powers of the first series to g->q. */
static void FN(spectral_power_of)(FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;

    if (a->stage == DC_SPECTRAL_BINS) {
        FN(spectral_bins_of)(g, 0);
        for (dc_i64 k = 0; k < a->bins; k++)
            g->q[k] = FN(spectral_power)(g->x[0][2 * k], g->x[0][2 * k + 1]);
        return;
    }
    FN(spectral_window_of)(g, 0);
    FN(spectral_unpack_power)(g, g->q);
}

/* Planes of a window: power; cross power; powers of both and cross power. */
static void FN(spectral_planes)(FN(spectral_lanes) * g, int planes)
{
    const dc_i64 bins = g->a->bins;
    FN(vec) *const x = g->x[0], *const y = g->x[1];
    FN(vec) *const cross = g->q + (planes == 4 ? 2 * bins : 0);

    if (planes == 1) {
        FN(spectral_power_of)(g);
        return;
    }
    FN(spectral_bins_of)(g, 0);
    memcpy(g->from, g->other, sizeof g->from);
    FN(spectral_bins_of)(g, 1);
    for (dc_i64 k = 0; k < bins; k++) {
        const FN(vec) xre = x[2 * k], xim = x[2 * k + 1], yre = y[2 * k], yim = y[2 * k + 1];

        cross[k] = FN(vfma)(xre, yre, xim * yim);
        cross[bins + k] = FN(vfma)(xre, yim, -(xim * yre));
        if (planes == 4) {
            g->q[k] = FN(spectral_power)(xre, xim);
            g->q[bins + k] = FN(spectral_power)(yre, yim);
        }
    }
}

/* ---- backwards ----------------------------------------------------------------------------- */

/* Bin k of the source, `edge` of them; a part that carries nothing is 0. */
DC_INLINE FN(vec) FN(spectral_given)(const FN(spectral_lanes) * g, dc_i64 k, int part)
{
    const dc_spectral_args *const a = g->a;

    if (k >= a->edge || (part && (k == 0 || 2 * k == a->nfft)))
        return FN(vzero)();
    return g->x[0][2 * k + part];
}

/* The bins that the source has, as pairs in g->x[0]. */
static void FN(spectral_load_bins)(const FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;
    const dc_i64 bins = a->edge < a->bins ? a->edge : a->bins;

    if (a->src_step == 2 && a->src_part == 1) {
        FN(spectral_load_rows)(g->from, 2 * bins, g->x[0], 1, 2 * VEC_LANES * bins);
        return;
    }
    for (dc_i64 k = 0; k < bins; k++)
        for (int l = 0; l < VEC_LANES; l++) {
            g->x[0][2 * k][l] = g->from[l][k * a->src_step];
            g->x[0][2 * k + 1][l] = g->from[l][k * a->src_step + a->src_part];
        }
}

/* Samples y[i] of the group: g->q[i], scaled. */
static void FN(spectral_series_of)(FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;
    const dc_i32 *const place = g->whole + a->at_place;
    const T *const post = g->value + a->at_post;
    const T scale = g->value[a->at_scale];
    const dc_i64 m = a->points;
    FN(vec) *const z = g->z;

    FN(spectral_load_bins)(g);
    for (dc_i64 k = 0; a->half && k < m; k++) {
        FN(vec) re = FN(spectral_given)(g, k, 0), im = FN(spectral_given)(g, k, 1);

        FN(spectral_pack)
        (&re, &im, FN(spectral_given)(g, m - k, 0), -FN(spectral_given)(g, m - k, 1),
         FN(vset)(post[2 * k]), FN(vset)(post[2 * k + 1]));
        z[2 * k] = re;
        z[2 * k + 1] = im;
    }
    for (dc_i64 k = 0; !a->half && k < a->bins; k++) {
        const FN(vec) re = FN(spectral_given)(g, k, 0), im = FN(spectral_given)(g, k, 1);

        z[2 * k] = re;
        z[2 * k + 1] = im;
        if (k) {
            z[2 * (m - k)] = re;
            z[2 * (m - k) + 1] = -im;
        }
    }
    FN(spectral_transform)(g, 1, 0);
    for (dc_i64 i = 0; i < m; i++) {
        const FN(vec) *const p = z + 2 * place[i];

        if (a->half) {
            g->q[2 * i] = p[0] * scale;
            g->q[2 * i + 1] = p[1] * scale;
        } else {
            g->q[i] = p[0] * scale;
        }
    }
}
