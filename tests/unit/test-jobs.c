/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may run beside whom, who overtakes, and deadlines in the queue. */
#include <glib.h>

#include "driver/jobs.h"

static GString *said;
static Job *held[8];

static void
run (Job *job, gpointer data)
{
    g_string_append (said, data);
    held[((const char *) data)[0] - 'a'] = job;
}

static void
late (gpointer data)
{
    g_string_append_printf (said, "!%s", (const char *) data);
}

static void
turn (void)
{
    while (g_main_context_iteration (NULL, FALSE))
        continue;
}

static void
begin (JobQueue *queue, JobKind kind, const char *name)
{
    job_begin (queue, kind, name, 0, run, late, (gpointer) name);
}

static void
end (const char *name)
{
    job_end (held[name[0] - 'a']);
    turn ();
}

static void
test_order (void)
{
    JobQueue queue = { 0 };

    g_string_truncate (said, 0);
    begin (&queue, JOB_MODIFY, "a");
    g_assert_cmpstr (job_queue_holder (&queue), ==, "a");
    begin (&queue, JOB_MODIFY, "b");
    begin (&queue, JOB_QUERY, "c");
    begin (&queue, JOB_DESTROY, "d");
    begin (&queue, JOB_INTERNAL, "e");
    turn ();
    g_assert_cmpstr (said->str, ==, "a");
    end ("a");
    g_assert_cmpstr (said->str, ==, "ad");
    end ("d");
    g_assert_cmpstr (said->str, ==, "ade");
    end ("e");
    end ("b");
    g_assert_cmpstr (said->str, ==, "adebc");
    end ("c");
    g_assert_null (job_queue_holder (&queue));
}

static void
test_destroy_beside_yielding (void)
{
    JobQueue queue = { 0 };

    g_string_truncate (said, 0);
    begin (&queue, JOB_MODIFY, "a");
    begin (&queue, JOB_DESTROY, "b");
    turn ();
    g_assert_cmpstr (said->str, ==, "a");
    job_yield (held[0]);
    begin (&queue, JOB_INTERNAL, "c");      /* only a destroy */
    begin (&queue, JOB_START, "d");
    turn ();
    g_assert_cmpstr (said->str, ==, "ab");
    end ("b");
    g_assert_cmpstr (said->str, ==, "ab");
    begin (&queue, JOB_DESTROY, "e");
    end ("a");
    g_assert_cmpstr (said->str, ==, "abe");
    end ("e");
    g_assert_cmpstr (said->str, ==, "abec");
    end ("c");
    end ("d");
    g_assert_null (job_queue_holder (&queue));
}

/* One that has waited wants to begin: no destroy comes past it any longer, but one that has come is not over. */
static void
test_insisting (void)
{
    JobQueue queue = { 0 };

    g_string_truncate (said, 0);
    begin (&queue, JOB_MODIFY, "a");
    job_yield (held[0]);
    g_assert_true (job_insist (held[0]));
    begin (&queue, JOB_DESTROY, "b");
    turn ();
    g_assert_cmpstr (said->str, ==, "a");
    job_yield (held[0]);
    g_assert_false (job_insist (held[0]));  /* chosen, though not called yet */
    turn ();
    g_assert_cmpstr (said->str, ==, "ab");
    end ("a");
    begin (&queue, JOB_MODIFY, "c");
    turn ();
    g_assert_cmpstr (said->str, ==, "ab");
    end ("b");
    g_assert_cmpstr (said->str, ==, "abc");
    end ("c");
}

static void
test_destroy_beside_start (void)
{
    JobQueue queue = { 0 };

    g_string_truncate (said, 0);
    begin (&queue, JOB_START, "a");
    begin (&queue, JOB_MODIFY, "b");
    begin (&queue, JOB_DESTROY, "c");
    g_assert_cmpstr (said->str, ==, "ac");
    begin (&queue, JOB_DESTROY, "d");       /* one at a time */
    g_assert_cmpstr (said->str, ==, "ac");
    end ("a");
    g_assert_cmpstr (said->str, ==, "ac");
    end ("c");
    g_assert_cmpstr (said->str, ==, "acd");
    end ("d");
    g_assert_cmpstr (said->str, ==, "acdb");
    end ("b");
}

static void
test_deadline (void)
{
    JobQueue queue = { 0 };

    g_string_truncate (said, 0);
    begin (&queue, JOB_MODIFY, "a");
    g_assert_nonnull (job_begin (&queue, JOB_MODIFY, "b", 10, run, late, (gpointer) "b"));
    g_usleep (20000);
    turn ();
    g_assert_cmpstr (said->str, ==, "a!b");
    end ("a");
    g_assert_cmpstr (said->str, ==, "a!b");
    begin (&queue, JOB_QUERY, "c");
    job_queue_clear (&queue);
    turn ();
}

int
main (int argc, char **argv)
{
    int status;

    g_test_init (&argc, &argv, NULL);
    said = g_string_new (NULL);
    g_test_add_func ("/jobs/order", test_order);
    g_test_add_func ("/jobs/destroy-beside-start", test_destroy_beside_start);
    g_test_add_func ("/jobs/destroy-beside-yielding", test_destroy_beside_yielding);
    g_test_add_func ("/jobs/insisting", test_insisting);
    g_test_add_func ("/jobs/deadline", test_deadline);
    status = g_test_run ();
    g_string_free (said, TRUE);
    return status;
}
