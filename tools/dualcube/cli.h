/* What every subcommand shares: exit codes, errors, options, interruption. */
#ifndef DC_TOOLS_CLI_H
#define DC_TOOLS_CLI_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

#include "dualcube/dualcube.h"

enum {
    CLI_FINE = 0,
    CLI_FINDING = 1, /* a check ran and found something */
    CLI_USAGE = 2,
    CLI_NO_DEVICE = 3,
    CLI_FAILED = 4,
    CLI_INTERRUPTED = 130
};

/* One option of a subcommand. */
typedef struct cli_option {
    const char *name;    /* long name without dashes                          */
    int letter;          /* short name, 0: none                               */
    const char *metavar; /* NULL: a flag                                      */
    const char *help;    /* one line or more, wrapped when printed            */
    int id;              /* what cli_next() returns, >= CLI_FIRST_ID          */
} cli_option;

enum { CLI_END = 0, CLI_ERROR = -1, CLI_HELP = 1, CLI_OPERAND = 2, CLI_FIRST_ID = 1000 };

/* A subcommand's description; `options` ends with a NULL name. */
typedef struct cli_usage {
    const char *synopsis; /* "features [INPUT.npy] [options]"          */
    const char *about;    /* a paragraph                               */
    const char *example;  /* shell lines                               */
    const cli_option *options;
} cli_usage;

enum { CLI_OPTION_ROOM = 64 };

typedef struct cli_parser {
    const cli_usage *usage;
    int argc;
    char **argv;
    const char *value; /* of the option returned last, or the operand */
    char name[64];     /* its spelling, "--window" */
    struct option longs[CLI_OPTION_ROOM + 2];
    char shorts[2 * CLI_OPTION_ROOM + 4];
} cli_parser;

/* Start parsing argv[1] ...  At most CLI_OPTION_ROOM options. */
void cli_begin(cli_parser *parser, const cli_usage *usage, int argc, char **argv);
/* Next option's id, CLI_OPERAND, CLI_END, CLI_HELP after printing it, or CLI_ERROR after a message.
 */
int cli_next(cli_parser *parser);
void cli_print_help(const cli_usage *usage);

/* Name of the subcommand, used in messages. */
extern const char *cli_command;

/* Print "dualcube <command>: <sentence>" to stderr; returns `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The library's last error and the exit code that belongs to `status`. */
int cli_fail_status(dc_status status);

/* snprintf(): 0, or -1 when the text was cut. */
int cli_format(char *out, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Values of options: 0, or CLI_USAGE after a message naming option, value and limit. */
int cli_int(const cli_parser *parser, int64_t low, int64_t high, int64_t *out);
int cli_double(const cli_parser *parser, double low, double high, double *out);
int cli_dtype(const cli_parser *parser, int32_t *out);
/* "64M", "1.5G", "4096": bytes, K M G T in powers of 1024. */
int cli_bytes(const cli_parser *parser, int64_t low, int64_t *out);
/* "10000x50" into at most DC_MAX_NDIM lengths. */
int cli_shape(const cli_parser *parser, const char *text, int32_t *ndim, int64_t *shape);
/* Comma-separated words: copies into `words` (pointers into *copy, which the caller frees). */
int cli_words(const char *text, char **copy, char **words, int room);

/* Ctrl-C and SIGTERM set a flag instead of ending the process. */
void cli_catch_interrupts(void);
int cli_interrupted(void);

/* Seconds of a monotonic clock. */
double cli_now(void);

/* Flush stdout; CLI_FAILED with a sentence when what was printed could not be written. */
int cli_finish(int code);

/* The subcommands. */
int cli_correlation(int argc, char **argv);
int cli_devices(int argc, char **argv);
int cli_features(int argc, char **argv);
int cli_parity(int argc, char **argv);
int cli_pca(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_kmeans(int argc, char **argv);
int cli_cache(int argc, char **argv);
int cli_sample(int argc, char **argv);
int cli_scale(int argc, char **argv);
int cli_model(int argc, char **argv);
int cli_selftest(int argc, char **argv);
int cli_spectral(int argc, char **argv);
int cli_transform(int argc, char **argv);
int cli_version(int argc, char **argv);

#endif
