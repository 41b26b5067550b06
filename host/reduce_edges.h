/* Edges of the bins of a histogram.  Part of host/reduce.c. */

/* Edge i of the bins in the dtype: the least value of bin i, and for the last one the largest value
 * of the last bin. */
static float narrow_edge(double edge, int last)
{
    const float near_ = (float)edge;
    const uint32_t bits = dc_bits_of_float(near_);

    if (last ? (double)near_ <= edge : (double)near_ >= edge)
        return near_;
    if (near_ == 0)
        return dc_float_of_bits(last ? 0x80000001u : 1u);
    /* the next value towards the edge: away from 0 the bits rise */
    return dc_float_of_bits((near_ > 0) == last ? bits - 1 : bits + 1);
}

static void *edge_table(const dc_reduce_params *p, int64_t k, dc_arena *arena, size_t size)
{
    void *table = dc__arena_alloc(arena, ((size_t)k + 1) * size);
    float *narrow = table;
    double *wide = table;

    for (int64_t i = 0; table && i <= k; ++i) {
        const int given = p->edges.count > 0;
        const double edge = given    ? p->edges.at[i]
                            : i == k ? p->high
                                     : (double)i * ((p->high - p->low) / (double)k) + p->low;
        if (size == sizeof(double))
            wide[i] = edge;
        else
            narrow[i] = given ? narrow_edge(edge, i == k) : (float)edge;
    }
    return table;
}
