/* The statistic from the values at two ranks, the same bits in C and in OpenCL C.  Included once
 * per dtype (T, SFX), hence no guard. */

/* midpoint: their mean, which must not overflow; else linear with weight frac (0 ... 1) of `hi`.  A
 * NaN (opposite infinities) is for the caller to make quiet. */
static inline T FN(rolling_interpolate)(T lo, T hi, T frac, int midpoint)
{
    if (midpoint) {
        const T sum = lo + hi;
        const T half_ = (T)0.5;
        /* x - x is not 0 for infinite x */
        return (sum - sum != 0 ? lo * half_ + hi * half_ : sum * half_) + 0;
    }
    return (frac > 0 ? lo + (hi - lo) * frac : lo) + 0;
}
