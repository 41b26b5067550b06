/* Which candidates a tile keeps, and what finds them.  Part of rolling_select_net.h. */

/* The short tables, as far as ranks are surely among the candidates: of m missing rows, floor(m s)
 * or ceil(m s) are pads of -inf, where s is the slope of select_pad. */
static void FN(select_few)(FN(select_job) * job)
{
    const SELECT_BITS one = (SELECT_BITS)1 << (8 * sizeof(T) - 1);
    const SELECT_BITS slope = (SELECT_BITS)(job->want->q * (double)one);
    SELECT_BITS part = 0; /* of m s */
    dc_i64 whole = 0;
    const dc_i64 most = job->window - job->want->min_periods;
    int sure = 1;
    job->few = 0;
    for (int m = 0; m < FN(SELECT_FEW); m++) {
        const FN(select_ranks) r = FN(select_ranks_of)(job->want, job->window - m);
        const dc_i64 rank = r.lower - job->rank, lowest = rank + whole;
        job->few_weight[m / VEC_LANES][m % VEC_LANES] = m > most ? (T)NAN : r.frac;
        ((FN(bits) *)job->few_rank)[m / VEC_LANES][m % VEC_LANES] = (SELECT_INT)rank;
        sure =
            sure && (m >= job->window || (lowest >= 0 && lowest + (part > 0) + (r.frac > 0) <= 3));
        job->few += sure;
        part += slope;
        whole += part >= one;
        part &= one - 1;
    }
}

/* The short way where no row is missing and the candidates are at one end of the window. */
static void FN(select_aim_end)(FN(select_job) * job)
{
    const int takes = job->kind == FN(SELECT_ONE) ? 1 : 2;
    if (job->levels < 3 || job->kind == FN(SELECT_MEAN))
        return;
    if (job->window - job->rank <= FN(SELECT_EDGE))
        FN(select_high_aim)(job, job->window - job->rank);
    else if (job->rank + takes <= FN(SELECT_EDGE))
        FN(select_low_aim)(job, job->rank + takes);
}

/* The same where rows are missing: 1 if that is so of all numbers of values. */
static int FN(select_aim_tail)(FN(select_job) * job)
{
    const FN(select_want) *want = job->want;
    dc_i64 low = 2, high = 2; /* values from the end on */
    if (job->levels < 3 || want->midpoint)
        return 0;
    for (dc_i64 n = job->window; n >= want->min_periods; n--) {
        const FN(select_ranks) r = FN(select_ranks_of)(want, n);
        low = pack_max(low, (r.frac > 0 ? r.upper : r.lower) + 1);
        high = pack_max(high, n - r.lower);
        if (low > FN(SELECT_EDGE) && high > FN(SELECT_EDGE))
            return 0;
    }
    const int is_high = high <= FN(SELECT_EDGE);
    job->kind = FN(SELECT_TAIL);
    job->rank = is_high ? job->window - high : 0;
    job->pad = is_high ? -FN(vinf)() : FN(vinf)();
    job->pad_each = (FN(ubits)){0} + (SELECT_BITS)(is_high ? 65537 : 1);
    if (is_high)
        FN(select_high_aim)(job, high);
    else
        FN(select_low_aim)(job, low);
    job->few = FN(SELECT_FEW);
    for (int m = 0; m < FN(SELECT_FEW); m++) {
        const FN(select_ranks) r = FN(select_ranks_of)(want, job->window - m);
        const dc_i64 at = r.lower - job->rank + (is_high ? m : 0);
        const int enough = m <= job->window - want->min_periods;
        job->few_weight[m / VEC_LANES][m % VEC_LANES] = enough ? r.frac : (T)NAN;
        ((FN(bits) *)job->few_rank)[m / VEC_LANES][m % VEC_LANES] = (SELECT_INT)at;
    }
    return 1;
}

/* Caps lists and runs where all candidates are among the 2^cap outermost values of a window, so
 * that no others matter.  A list of level `cap` has its full length: what nobody reaches is
 * infinite. */
static void FN(select_aim_cap)(FN(select_job) * job)
{
    const dc_i64 high = job->window - job->rank, low = job->rank + job->extra + 1;
    int cap = 3;
    while (cap < job->levels && (dc_i64)1 << cap < pack_min(high, low))
        cap++;
    job->cap = cap;
    if (cap >= job->levels)
        return;
    const dc_i64 n = (dc_i64)1 << cap;
    FN(vec) *list = job->list[cap];
    job->high = high <= low;
    job->capped = job->high ? list + high - n : list + n - 1 - job->rank;
    for (dc_i64 i = 0; i < n + job->extra; i++)
        list[i] = job->high ? FN(vinf)() : -FN(vinf)();
}

/* Which candidates: with missing rows more of them. */
static void FN(select_aim)(FN(select_job) * job, int missing)
{
    const FN(select_want) *want = job->want;
    if (job->padded_last == missing)
        return;
    job->padded_last = missing;
    job->tile = FN(select_tile);
    if (!missing) {
        const FN(select_ranks) full = FN(select_ranks_of)(want, job->window);
        const int two = full.upper > full.lower && full.frac > 0;
        job->rank = full.lower;
        job->extra = two;
        job->weight = FN(vset)(full.frac);
        job->kind = !two                ? FN(SELECT_ONE)
                    : want->midpoint    ? FN(SELECT_MEAN)
                    : job->inf_is_value ? FN(SELECT_WILD)
                                        : FN(SELECT_LINE);
        FN(select_aim_cap)(job);
        FN(select_aim_end)(job);
        return;
    }
    const dc_i64 spare = job->window - want->min_periods;
    job->spare = FN(select_all)(want->table ? spare : (spare << 16) + 32767);
    if (!want->table) {
        job->rank = job->window / 2 - 1;
        job->extra = job->window % 2 ? 2 : 1;
        job->kind = job->window % 2 ? FN(SELECT_ODD) : FN(SELECT_EVEN);
        FN(select_aim_cap)(job);
        return;
    }
    if (FN(select_aim_tail)(job))
        return;
    job->rank = (dc_i64)floor(want->q * (double)(job->window - 1)) - 1;
    job->extra = 4;
    job->kind = want->midpoint ? FN(SELECT_MID) : FN(SELECT_ANY);
    FN(select_aim_cap)(job);
    FN(select_few)(job);
}
