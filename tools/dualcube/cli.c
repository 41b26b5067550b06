#include "tools/dualcube/cli.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/dualcube/outfile.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 96 };

const char *cli_command = "";
static volatile sig_atomic_t interrupted;

int cli_fail(int code, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "dualcube%s%s: ", *cli_command ? " " : "", cli_command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

int cli_format(char *out, size_t room, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(out, room, format, arguments);
    va_end(arguments);
    return n < 0 || (size_t)n >= room ? -1 : 0;
}

int cli_fail_status(dc_status status)
{
    int code = status == DC_E_CANCELLED ? CLI_INTERRUPTED : CLI_FAILED;

    if (status == DC_E_ARGUMENT)
        code = CLI_USAGE;
    return cli_fail(code, "%s", dc_last_error());
}

void cli_begin(cli_parser *parser, const cli_usage *usage, int argc, char **argv)
{
    char *s = parser->shorts;
    int n = 0;

    memset(parser, 0, sizeof *parser);
    parser->usage = usage;
    parser->argc = argc;
    parser->argv = argv;
    *s++ = '-'; /* operands in their place, as code 1 */
    *s++ = ':'; /* a missing value is told from an unknown option */
    *s++ = 'h';
    for (const cli_option *o = usage->options; o->name && n < CLI_OPTION_ROOM; ++o, ++n) {
        parser->longs[n] =
            (struct option){o->name, o->metavar ? required_argument : no_argument, NULL, o->id};
        if (o->letter) {
            *s++ = (char)o->letter;
            if (o->metavar)
                *s++ = ':';
        }
    }
    parser->longs[n] = (struct option){"help", no_argument, NULL, 'h'};
    optind = 0; /* GNU: also forget the last scan */
    opterr = 0;
}

static int refuse_option(int code, const char *word)
{
    char letter[3] = {'-', (char)optopt, 0};
    const char *name = word && !strncmp(word, "--", 2) ? word : letter;

    if (code == ':')
        cli_fail(CLI_USAGE, "%s needs a value", name);
    else if (optopt >= CLI_FIRST_ID)
        cli_fail(CLI_USAGE, "%s takes no value", name);
    else
        cli_fail(CLI_USAGE, "there is no option %s (or it is not unique); see dualcube %s --help",
                 name, cli_command);
    return CLI_ERROR;
}

int cli_next(cli_parser *parser)
{
    const char *word;
    int code, place = -1;

    word = optind > 0 && optind < parser->argc ? parser->argv[optind] : parser->argv[1];
    code = getopt_long(parser->argc, parser->argv, parser->shorts, parser->longs, &place);
    parser->value = optarg;
    if (code == -1 && optind < parser->argc) { /* operands after "--" */
        parser->value = parser->argv[optind++];
        return CLI_OPERAND;
    }
    if (code == -1)
        return CLI_END;
    if (code == 1)
        return CLI_OPERAND;
    if (code == 'h') {
        cli_print_help(parser->usage);
        return CLI_HELP;
    }
    if (code == '?' || code == ':')
        return refuse_option(code, word);
    for (const cli_option *o = parser->usage->options; o->name; ++o)
        if (place < 0 ? o->letter == code : o->id == code) {
            if (place < 0)
                snprintf(parser->name, sizeof parser->name, "-%c", o->letter);
            else
                snprintf(parser->name, sizeof parser->name, "--%s", o->name);
            return o->id;
        }
    return refuse_option('?', word);
}

/* Print `text` from column `at`, wrapped at blanks, further lines from HELP_COLUMN. */
static void print_wrapped(const char *text, int at)
{
    while (*text) {
        size_t n = strcspn(text, " ");

        if (at + (int)n > HELP_WIDTH && at > HELP_COLUMN) {
            printf("\n%*s", HELP_COLUMN, "");
            at = HELP_COLUMN;
        }
        at += printf("%.*s", (int)n, text);
        text += n;
        if (*text)
            at += printf(" "), ++text;
    }
    putchar('\n');
}

void cli_print_help(const cli_usage *usage)
{
    char left[96];

    printf("usage: dualcube %s\n\n%s\n", usage->synopsis, usage->about);
    printf("\noptions:\n");
    for (const cli_option *o = usage->options; o->name; ++o) {
        int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                          : snprintf(left, sizeof left, "      --%s", o->name);

        if (o->metavar && n > 0 && n < (int)sizeof left)
            n += snprintf(left + n, sizeof left - (size_t)n, " %s", o->metavar);
        printf("%-*s", HELP_COLUMN - 2, left);
        if (n > HELP_COLUMN - 2)
            printf("\n%*s", HELP_COLUMN, "");
        else
            printf("  ");
        print_wrapped(o->help, HELP_COLUMN);
    }
    printf("%-*s  this text\n", HELP_COLUMN - 2, "  -h, --help");
    printf("\nexample:\n%s\n", usage->example);
}

int cli_int(const cli_parser *parser, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(parser->value, &end, 10);
    if (end == parser->value || *end || isspace((unsigned char)*parser->value))
        return cli_fail(CLI_USAGE, "%s is \"%s\", expected a whole number", parser->name,
                        parser->value);
    if (errno == ERANGE || value < low || value > high)
        return cli_fail(CLI_USAGE, "%s is %s, expected %" PRId64 " ... %" PRId64, parser->name,
                        parser->value, low, high);
    *out = value;
    return 0;
}

int cli_double(const cli_parser *parser, double low, double high, double *out)
{
    char *end;
    double value = strtod(parser->value, &end);

    if (end == parser->value || *end || isspace((unsigned char)*parser->value) || isnan(value))
        return cli_fail(CLI_USAGE, "%s is \"%s\", expected a number", parser->name, parser->value);
    if (value < low || value > high)
        return cli_fail(CLI_USAGE, "%s is %s, expected %g ... %g", parser->name, parser->value, low,
                        high);
    *out = value;
    return 0;
}

int cli_dtype(const cli_parser *parser, int32_t *out)
{
    const char *v = parser->value;

    if (!strcmp(v, "f32") || !strcmp(v, "float32"))
        *out = DC_F32;
    else if (!strcmp(v, "f64") || !strcmp(v, "float64"))
        *out = DC_F64;
    else
        return cli_fail(CLI_USAGE, "%s is \"%s\", expected f32 or f64", parser->name, v);
    return 0;
}

int cli_bytes(const cli_parser *parser, int64_t low, int64_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    double value = strtod(parser->value, &end);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;

    if (end == parser->value || !isfinite(value) || (*end && (!unit || end[1])))
        return cli_fail(CLI_USAGE, "%s is \"%s\", expected bytes such as 64M or 1.5G", parser->name,
                        parser->value);
    for (; unit && unit >= units; --unit)
        value *= 1024;
    if (value < (double)low || value > 1e18)
        return cli_fail(CLI_USAGE, "%s is %s, expected %" PRId64 " bytes ... 1e18", parser->name,
                        parser->value, low);
    *out = (int64_t)value;
    return 0;
}

int cli_shape(const cli_parser *parser, const char *text, int32_t *ndim, int64_t *shape)
{
    const char *at = text;

    *ndim = 0;
    for (;;) {
        char *end;
        long long value;

        errno = 0;
        value = isdigit((unsigned char)*at) ? strtoll(at, &end, 10) : -1;
        if (value < 0 || errno == ERANGE || *ndim == DC_MAX_NDIM)
            return cli_fail(CLI_USAGE, "%s is \"%s\", expected 1 to %d lengths such as 10000x50",
                            parser->name, text, DC_MAX_NDIM);
        shape[(*ndim)++] = value;
        if (!*end)
            return 0;
        if (*end != 'x' && *end != 'X')
            return cli_fail(CLI_USAGE, "%s is \"%s\", expected lengths such as 10000x50",
                            parser->name, text);
        at = end + 1;
    }
}

int cli_words(const char *text, char **copy, char **words, int room)
{
    int n = 0;
    char *save = NULL;

    *copy = strdup(text);
    if (!*copy)
        return -1;
    for (char *w = strtok_r(*copy, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
        if (n == room)
            return -1;
        words[n++] = w;
    }
    return n;
}

static void on_signal(int number)
{
    (void)number;
    if (interrupted) { /* the second time: at once, but leave nothing behind */
        outfile_remove_all();
        _exit(CLI_INTERRUPTED);
    }
    interrupted = 1;
}

void cli_catch_interrupts(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_interrupted(void)
{
    return interrupted;
}

double cli_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int cli_finish(int code)
{
    if ((fflush(stdout) || ferror(stdout)) && code != CLI_INTERRUPTED)
        return cli_fail(CLI_FAILED, "standard output could not be written: %s", strerror(errno));
    return code;
}
