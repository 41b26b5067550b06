/* One defect, by number: the sanitizer jobs must report it.  Built with the flags of the library.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int zero;
static volatile int shared;

static void *add(void *user)
{
    (void)user;
    for (int i = 0; i < 10000; i++)
        shared++;
    return NULL;
}

static void race(void)
{
    pthread_t a, b;
    if (pthread_create(&a, NULL, add, NULL) != 0 || pthread_create(&b, NULL, add, NULL) != 0)
        exit(2);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
}

int main(int argc, char **argv)
{
    const int which = argc == 2 ? atoi(argv[1]) : 0;
    char *memory = malloc(16);
    if (!memory)
        return 2;
    char *volatile hidden = memory; /* what the compiler cannot see through */
    if (which == 1)
        hidden[16] = 1; /* beyond its end */
    if (which == 2)
        shared = INT_MAX - zero + (argc - 1); /* signed overflow */
    if (which == 3)
        hidden = memory = NULL; /* a leak */
    if (which == 4)
        race();
    if (which == 5)
        shared = 1 << (32 + zero); /* a shift beyond the width */
    free(memory);
    printf("nothing was reported\n");
    return 0;
}
