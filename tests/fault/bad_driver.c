/* OpenCL drivers that do not work: DCT_BAD 1 ends the process when it is loaded, 2 never returns,
 * 3 lacks every function. */
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void loaded(void)
{
#if DCT_BAD == 1
    abort();
#elif DCT_BAD == 2
    for (;;)
        pause();
#endif
}
