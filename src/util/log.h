/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of skepd: one line a message, to stderr, a file or the journal. Levels are libvirt's:
 * 1 debug, 2 info, 3 warning, 4 error. Library rooms use log_debug() only.
 */
#pragma once

#include <glib.h>

typedef enum { LOG_DEBUG_LEVEL = 1, LOG_INFO_LEVEL, LOG_WARNING_LEVEL, LOG_ERROR_LEVEL } LogLevel;
typedef enum { LOG_TO_STDERR, LOG_TO_FILE, LOG_TO_JOURNAL } LogTarget;

/* @path is used with LOG_TO_FILE only (append, mode 0600). */
gboolean log_open (LogTarget target, const char *path, LogLevel level, GError **error);
gboolean log_reopen (GError **error);       /* after log rotation */
void log_set_level (LogLevel level);
LogLevel log_level (void);

void log_message (LogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);

#define log_debug(...)                                                                             \
    G_STMT_START {                                                                                 \
        if (log_level () <= LOG_DEBUG_LEVEL)                                                       \
            log_message (LOG_DEBUG_LEVEL, __VA_ARGS__);                                            \
    } G_STMT_END
#define log_info(...)    log_message (LOG_INFO_LEVEL, __VA_ARGS__)
#define log_warning(...) log_message (LOG_WARNING_LEVEL, __VA_ARGS__)
#define log_error(...)   log_message (LOG_ERROR_LEVEL, __VA_ARGS__)

/* A record (audit) that must not get lost: written whatever the level is. */
void log_record (const char *text);

/* Logs @text (a fact that stays true, such as "no audit in this kernel") once per process and key. */
void log_once (LogLevel level, const char *key, const char *text);
