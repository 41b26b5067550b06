/* Registers sorted lane by lane, and the value at a rank of one list.  Part of reduce_order.h. */

/* ---- sorted registers ----------------------------------------------------------------------- */

/* `n` registers, a power of two, each lane by itself. */
static void FN(order_sort)(FN(vec) * x, int n)
{
    for (int p = 1; p < n; p *= 2)
        for (int k = p; k >= 1; k /= 2)
            for (int j = k % p; j + k < n; j += 2 * k)
                for (int i = j; i < j + k && i + k < n; i++) {
                    const FN(vec) a = x[i], b = x[i + k];

                    if (i / (2 * p) != (i + k) / (2 * p))
                        continue;
                    x[i] = FN(vmin)(a, b);
                    x[i + k] = FN(vmax)(a, b);
                }
}

/* Registers padded with +Inf to a power of two and sorted; NaN goes to the end as +Inf.  valid: how
 * many values each lane has. */
static void FN(order_settle)(FN(vec) * x, int n, dc_i64 *valid)
{
    FN(bits) bad = {0};
    int all = 1;

    for (int i = 0; i < n; i++) {
        const FN(mask) nan = FN(visnan)(x[i]);

        bad = FN(order_count)(bad, nan);
        x[i] = FN(vsel)(nan, FN(vinf)(), x[i] + FN(vzero)());
    }
    while (all < n)
        all *= 2;
    for (int i = n; i < all; i++)
        x[i] = FN(vinf)();
    FN(order_sort)(x, all);
    for (int j = 0; j < VEC_LANES; j++)
        valid[j] = n - (dc_i64)bad[j];
}

/* ---- one list ------------------------------------------------------------------------------- */

/* The value at `rank` of n in list, which is put in another order (Floyd and Rivest, 1975). */
static T FN(order_nth)(T *list, dc_i64 left, dc_i64 right, dc_i64 rank)
{
    while (right > left) {
        dc_i64 i = left, j = right;
        T t, swap;

        if (right - left > 600) { /* a share that should hold it */
            const dc_i64 n = right - left + 1, at = rank - left + 1, width = n / 16;
            dc_i64 from = rank - at * width / n - width / 8, to;

            from = from < left ? left : from;
            to = rank + (n - at) * width / n + width / 8;
            to = to > right ? right : to;
            if (n > 1 << 12)
                (void)FN(order_nth)(list, from, to, rank);
        }
        t = list[rank];
        list[rank] = list[left];
        list[left] = t;
        if (list[right] > t) {
            list[left] = list[right];
            list[right] = t;
        }
        while (i < j) {
            swap = list[i];
            list[i] = list[j];
            list[j] = swap;
            for (i++; list[i] < t; i++)
                ;
            for (j--; list[j] > t; j--)
                ;
        }
        if (list[left] == t) {
            swap = list[left];
            list[left] = list[j];
            list[j] = swap;
        } else {
            j++;
            swap = list[j];
            list[j] = list[right];
            list[right] = swap;
        }
        if (j <= rank)
            left = j + 1;
        if (rank <= j)
            right = j - 1;
    }
    return list[rank];
}
