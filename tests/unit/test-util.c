/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files, tasks, the log. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/file.h"
#include "util/log.h"
#include "util/task.h"

static char *
in_dir (const char *dir, const char *name)
{
    return g_build_filename (dir, name, NULL);
}

static guint
count_files (const char *dir)
{
    g_autoptr (GDir) handle = g_dir_open (dir, 0, NULL);
    guint n = 0;

    while (g_dir_read_name (handle))
        n++;
    return n;
}

static void
test_read (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    g_autofree char *path = in_dir (dir, "f"), *big = g_strnfill (5000, 'x'), *text = NULL;
    g_autoptr (GError) error = NULL;
    gsize size;

    g_file_set_contents (path, big, -1, NULL);
    text = file_read (path, 5000, &size, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (size, ==, 5000);
    g_assert_cmpstr (text, ==, big);
    g_assert_null (file_read (path, 4999, NULL, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_FAILED);
    g_clear_error (&error);
    g_assert_null (file_read (dir, 100, NULL, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_FAILED);
    g_clear_error (&error);
    g_assert_null (file_read ("/nonexistent", 100, NULL, &error));
    g_assert_cmpint (error_errno (error), ==, ENOENT);
    g_clear_error (&error);
    g_free (text);
    text = file_read ("/proc/self/status", 65536, &size, &error);   /* says size 0 */
    g_assert_no_error (error);
    g_assert_cmpuint (size, >, 100);
    g_unlink (path);
    g_assert_cmpint (mkfifo (path, 0600), ==, 0);                   /* does not hang */
    g_assert_null (file_read (path, 100, NULL, &error));
    g_clear_error (&error);
    g_unlink (path);
    g_rmdir (dir);
}

static void
test_write (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    g_autofree char *long_name = g_strnfill (255, 'n'), *path = in_dir (dir, long_name);
    g_autofree char *blocked = in_dir (dir, "d"), *text = NULL;
    g_autoptr (GError) error = NULL;
    struct stat st;

    g_assert_true (file_write (path, "one", 3, 0640, FILE_DURABLE, &error));
    g_assert_true (file_write (path, "two", 3, 0600, 0, &error));
    text = file_read (path, 10, NULL, NULL);
    g_assert_cmpstr (text, ==, "two");
    g_assert_cmpint (stat (path, &st), ==, 0);
    g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
    g_assert_cmpuint (count_files (dir), ==, 1);
    /* a directory in the way: refused, and no temporary file stays */
    g_assert_cmpint (g_mkdir (blocked, 0700), ==, 0);
    g_assert_false (file_write (blocked, "x", 1, 0600, 0, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_clear_error (&error);
    g_assert_cmpuint (count_files (dir), ==, 2);
    g_assert_false (file_write ("/nonexistent/x", "x", 1, 0600, 0, &error));
    g_assert_cmpint (error_errno (error), ==, ENOENT);
    g_clear_error (&error);
    g_assert_true (file_remove (path, &error));
    g_assert_true (file_remove (path, &error));
    g_assert_false (file_remove (blocked, NULL));
    g_rmdir (blocked);
    g_rmdir (dir);
}

static void
test_dir (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    g_autofree char *deep = in_dir (dir, "a/b"), *middle = in_dir (dir, "a"), *file = in_dir (dir, "f");
    g_autofree char *below = in_dir (dir, "f/x");
    g_autoptr (GError) error = NULL;

    g_assert_true (dir_make (deep, 0700, &error));
    g_assert_true (dir_make (deep, 0700, &error));
    g_file_set_contents (file, "", 0, NULL);
    g_assert_false (dir_make (file, 0700, NULL));
    g_assert_false (dir_make (below, 0700, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_unlink (file);
    g_rmdir (deep);
    g_rmdir (middle);
    g_rmdir (dir);
}

typedef struct {
    GThread *main_thread;
    guint done, failed;
} Tally;

static gpointer
work (gpointer input, GError **error)
{
    guint number = GPOINTER_TO_UINT (input);

    g_usleep (1000 * (number % 5));
    if (number % 3 == 0)
        error_set (error, ERR_OPERATION_FAILED, "%u", number);
    return GUINT_TO_POINTER (number * 2);
}

static void
work_done (gpointer result, GError *error, gpointer data)
{
    Tally *tally = data;

    g_assert_true (g_thread_self () == tally->main_thread);
    g_assert_cmpint (GPOINTER_TO_UINT (result) / 2 % 3 == 0, ==, error != NULL);
    tally->done++;
    tally->failed += error != NULL;
}

static gint freed;

static void
count_free (gpointer input)
{
    (void) input;
    g_atomic_int_inc (&freed);
}

/* Tasks that wait until the gate opens. */
typedef struct {
    GMutex lock;
    GCond opens;
    gboolean open;
    guint inside, most;         /* of one owner */
    GString *order;             /* of delivery */
} Gate;

static Gate gate;

static gpointer
wait_at_gate (gpointer input, GError **error)
{
    (void) error;
    g_mutex_lock (&gate.lock);
    gate.inside++;
    gate.most = MAX (gate.most, gate.inside);
    while (!gate.open)
        g_cond_wait (&gate.opens, &gate.lock);
    gate.inside--;
    g_mutex_unlock (&gate.lock);
    return input;
}

static gpointer
open_gate (gpointer input, GError **error)
{
    (void) error;
    g_mutex_lock (&gate.lock);
    gate.open = TRUE;
    g_cond_broadcast (&gate.opens);
    g_mutex_unlock (&gate.lock);
    return input;
}

static void
note_order (gpointer result, GError *error, gpointer data)
{
    (void) error;
    (void) data;
    g_string_append (gate.order, result);
}

/* Twenty that wait take no thread from one that does not: it opens the gate for them. */
static void
test_waiting_tasks (void)
{
    gate = (Gate) { .order = g_string_new (NULL) };
    for (guint i = 0; i < 20; i++)
        task_run_waiting (NULL, wait_at_gate, (gpointer) ".", NULL, note_order, NULL);
    task_run (open_gate, (gpointer) "", NULL, note_order, NULL);
    task_drain ();
    g_assert_cmpstr (gate.order->str, ==, "....................");
    g_string_free (gate.order, TRUE);
}

/* A third of the same owner waits for one of the first two, whoever else comes. */
static void
test_waiting_owner (void)
{
    gate = (Gate) { .order = g_string_new (NULL), .open = TRUE };
    for (guint i = 0; i < 60; i++)
        task_run_waiting ("one", wait_at_gate, (gpointer) ".", NULL, note_order, NULL);
    task_drain ();
    g_assert_cmpuint (gate.most, <=, TASK_WAITING_PER_OWNER);

    gate.open = FALSE;
    gate.most = 0;
    for (guint i = 0; i < 5; i++)
        task_run_waiting ("one", wait_at_gate, (gpointer) ".", NULL, note_order, NULL);
    task_run_waiting ("two", open_gate, (gpointer) "!", NULL, note_order, NULL);
    task_drain ();
    g_assert_cmpuint (gate.order->len, ==, 66);
    g_assert_cmpuint (gate.most, <=, TASK_WAITING_PER_OWNER);
    g_string_free (gate.order, TRUE);
}

static void
test_tasks (void)
{
    Tally tally = { .main_thread = g_thread_self () };

    for (guint i = 0; i < 100; i++)
        task_run (work, GUINT_TO_POINTER (i), count_free, work_done, &tally);
    g_assert_cmpuint (tally.done, ==, 0);       /* never before the loop turns */
    task_drain ();
    g_assert_cmpuint (tally.done, ==, 100);
    g_assert_cmpuint (tally.failed, ==, 34);
    g_assert_cmpint (freed, ==, 100);
    task_drain ();
}

static void
test_log (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    g_autofree char *path = in_dir (dir, "log"), *old = in_dir (dir, "log.1"), *text = NULL;
    g_autofree char *huge = g_strnfill (20000, 'x');
    g_auto (GStrv) lines = NULL;
    g_autoptr (GError) error = NULL;
    struct stat st;

    g_assert_false (log_open (LOG_TO_FILE, "/nonexistent/log", LOG_INFO_LEVEL, NULL));
    g_assert_true (log_open (LOG_TO_FILE, path, LOG_WARNING_LEVEL, &error));
    g_assert_cmpint (stat (path, &st), ==, 0);
    g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
    log_info ("not this");
    log_warning ("first %d\n2026-01-01 forged : \x1b[31m", 1);
    log_once (LOG_ERROR_LEVEL, "key", "once");
    log_once (LOG_ERROR_LEVEL, "key", "once");
    log_record ("a record");
    g_assert_cmpint (g_rename (path, old), ==, 0);
    g_assert_true (log_reopen (&error));
    log_error ("%s", huge);
    text = file_read (old, 100000, NULL, &error);
    lines = g_strsplit (text, "\n", -1);
    g_assert_cmpuint (g_strv_length (lines), ==, 4);
    g_assert_true (g_str_has_suffix (lines[0], ": warning : first 1 2026-01-01 forged : ?[31m"));
    g_assert_true (g_str_has_suffix (lines[1], ": error : once"));
    g_assert_true (g_str_has_suffix (lines[2], ": info : a record"));
    g_free (text);
    text = file_read (path, 100000, NULL, &error);
    g_assert_cmpuint (strlen (text), <, 9000);
    g_assert_true (g_str_has_suffix (text, "x\n"));
    log_open (LOG_TO_STDERR, NULL, LOG_WARNING_LEVEL, NULL);
    g_unlink (path);
    g_unlink (old);
    g_rmdir (dir);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/file/read", test_read);
    g_test_add_func ("/file/write", test_write);
    g_test_add_func ("/file/dir", test_dir);
    g_test_add_func ("/task/all", test_tasks);
    g_test_add_func ("/task/waiting", test_waiting_tasks);
    g_test_add_func ("/task/owner", test_waiting_owner);
    g_test_add_func ("/log/lines", test_log);
    return g_test_run ();
}
