/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/lock.h"

/* Guest names, paths and the like reach the log: a line is never longer than this. */
#define LOG_LINE_MAX 8192

/* Written by the main thread only, before others run, except the level (a word, read racily). */
static struct {
    LogTarget target;
    int fd;
    char *path;
    gint level;
} the_log = { .target = LOG_TO_STDERR, .fd = 2, .level = LOG_WARNING_LEVEL };

static const char *const level_names[] = { "", "debug", "info", "warning", "error" };

static int
log_file_open (const char *path, GError **error)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0)
        error_set_errno (error, errno, "Failed to open log file '%s'", path);
    return fd;
}

gboolean
log_open (LogTarget target, const char *path, LogLevel level, GError **error)
{
    int fd = 2;

    if (target == LOG_TO_FILE) {
        fd = log_file_open (path, error);
        if (fd < 0)
            return FALSE;
    }
    if (the_log.fd > 2)
        close (the_log.fd);
    g_free (the_log.path);
    the_log.path = target == LOG_TO_FILE ? g_strdup (path) : NULL;
    the_log.target = target;
    the_log.fd = fd;
    log_set_level (level);
    return TRUE;
}

gboolean
log_reopen (GError **error)
{
    autofd int fd = -1;

    if (the_log.target != LOG_TO_FILE)
        return TRUE;
    fd = log_file_open (the_log.path, error);
    if (fd < 0)
        return FALSE;
    /* in place, so that a thread that logs right now never sees a closed number */
    if (dup3 (fd, the_log.fd, O_CLOEXEC) < 0)
        return error_set_errno (error, errno, "Failed to reopen log file '%s'", the_log.path);
    return TRUE;
}

void
log_set_level (LogLevel level)
{
    g_atomic_int_set (&the_log.level, (gint) level);
}

LogLevel
log_level (void)
{
    return (LogLevel) g_atomic_int_get (&the_log.level);
}

/* One message is one line: control characters (a newline in a container's name or output could
 * forge a line) become '?'. */
static void
make_printable (char *text)
{
    for (; *text; text++)
        if ((guchar) *text < 0x20 || *text == 0x7f)
            *text = *text == '\t' || *text == '\n' ? ' ' : '?';
}

static void
write_line (LogLevel level, const char *text)
{
    char line[LOG_LINE_MAX + 128];
    struct timespec now;
    struct tm tm;
    int n;

    clock_gettime (CLOCK_REALTIME, &now);
    gmtime_r (&now.tv_sec, &tm);
    n = g_snprintf (line, sizeof line, "%04d-%02d-%02d %02d:%02d:%02d.%03ld+0000: %ld: %s : %s\n",
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                    now.tv_nsec / 1000000, (long) syscall (SYS_gettid), level_names[level], text);
    /* one write(2) of a whole line: with O_APPEND lines of threads do not mix */
    fd_write_all (the_log.fd, line, (gsize) n);
}

static void
emit (LogLevel level, char *text)
{
    static const int priorities[] = { 7, 7, 6, 4, 3 };  /* syslog's debug info warning err */

    make_printable (text);
    if (the_log.target == LOG_TO_JOURNAL
        && sd_journal_send ("MESSAGE=%s", text, "PRIORITY=%d", priorities[level],
                            "SYSLOG_IDENTIFIER=skepd", NULL) == 0)
        return;
    write_line (level, text);
}

void
log_message (LogLevel level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    int saved = errno;
    va_list args;

    if (level < log_level () || level > LOG_ERROR_LEVEL)
        return;
    va_start (args, format);
    g_vsnprintf (text, sizeof text, format, args);
    va_end (args);
    emit (level, text);
    errno = saved;
}

void
log_record (const char *text)
{
    char copy[LOG_LINE_MAX];

    g_strlcpy (copy, text, sizeof copy);
    emit (LOG_INFO_LEVEL, copy);
}

void
log_once (LogLevel level, const char *key, const char *text)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static GHashTable *said;
    gboolean first;

    {
        autolock pthread_mutex_t *held = lock_take (&mutex);

        if (!said)
            said = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
        first = g_hash_table_add (said, g_strdup (key));
    }
    if (first)
        log_message (level, "%s", text);
}
