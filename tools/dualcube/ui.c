#include "tools/dualcube/ui.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/dualcube/cli.h"

enum { BAR = 28 };

static int coloured(FILE *file)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(file)) && !(no && *no) && term && strcmp(term, "dumb");
}

const char *ui_on(FILE *file, ui_style style)
{
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",
                                        "\033[32m", "\033[33m", "\033[31m"};

    return coloured(file) ? codes[style] : "";
}

const char *ui_off(FILE *file)
{
    return coloured(file) ? "\033[0m" : "";
}

const char *ui_bytes(char *text, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int k = 0;

    while (bytes >= 1024 && k < 4)
        bytes /= 1024, ++k;
    snprintf(text, UI_TEXT, k == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[k]);
    return text;
}

const char *ui_seconds(char *text, double seconds)
{
    if (seconds < 1e-3)
        snprintf(text, UI_TEXT, "%.1f us", seconds * 1e6);
    else if (seconds < 1)
        snprintf(text, UI_TEXT, "%.*f ms", seconds < 0.1 ? 2 : 0, seconds * 1e3);
    else if (seconds < 100)
        snprintf(text, UI_TEXT, "%.*f s", seconds < 10 ? 2 : 1, seconds);
    else
        snprintf(text, UI_TEXT, "%.0f min %.0f s", (double)(int64_t)(seconds / 60),
                 seconds - 60 * (double)(int64_t)(seconds / 60));
    return text;
}

const char *ui_count(char *text, double count)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    int k = 0;

    while (count >= 1000 && k < 4)
        count /= 1000, ++k;
    snprintf(text, UI_TEXT, k == 0 || count >= 100 ? "%.0f%s" : "%.1f%s", count, units[k]);
    return text;
}

const char *ui_grouped(char *text, int64_t number)
{
    char digits[UI_TEXT];
    int n = snprintf(digits, sizeof digits, "%" PRId64, number), out = 0;

    for (int i = 0; i < n && out + 2 < UI_TEXT; ++i) {
        text[out++] = digits[i];
        if (i + 1 < n && (n - 1 - i) % 3 == 0 && digits[i] != '-')
            text[out++] = ',';
    }
    text[out] = 0;
    return text;
}

static int terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

void ui_progress_begin(ui_progress *p)
{
    const char *term = getenv("TERM");

    p->live = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"));
    p->started = cli_now();
    p->drawn = p->started; /* what takes less than a tenth of a second shows no bar */
}

void ui_progress_show(ui_progress *p, double fraction, const char *label)
{
    double now = cli_now(), spent = now - p->started;
    char bar[BAR + 1], eta[UI_TEXT], line[256];
    int full, n;

    if (!p->live || now - p->drawn < 0.1)
        return;
    p->drawn = now;
    fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
    full = (int)(fraction * BAR);
    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(BAR - full));
    bar[BAR] = 0;
    n = snprintf(line, sizeof line, "  [%s] %3.0f %%  ", bar, 100 * fraction);
    if (fraction > 0.01 && spent > 0.5)
        n += snprintf(line + n, sizeof line - (size_t)n, "%9s left  ",
                      ui_seconds(eta, spent / fraction - spent));
    snprintf(line + n, sizeof line - (size_t)n, "%s", label);
    fprintf(stderr, "\r%.*s\033[K", terminal_width() - 1, line);
    fflush(stderr);
}

void ui_progress_clear(ui_progress *p)
{
    if (p->live && p->drawn > p->started) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}

void ui_progress_end(ui_progress *p)
{
    ui_progress_clear(p);
    p->live = 0;
}
