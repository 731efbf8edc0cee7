/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/question.h"

static void question_read (Question *question);

static void
question_answered (gpointer answer, GError *error, gpointer data)
{
    Question *question = data;
    Call *call;

    while ((call = g_queue_pop_head (&question->asked))) {
        if (error) {
            call_failed (call, g_error_copy (error));
        } else {
            question->fill (call->out, answer);
            call_done (call);
        }
    }
    if (answer)
        question->free_answer (answer);
    question->reading = FALSE;
    if (!g_queue_is_empty (&question->waiting))
        question_read (question);
}

static void
question_read (Question *question)
{
    question->asked = question->waiting;
    g_queue_init (&question->waiting);
    question->reading = TRUE;
    task_run (question->read, NULL, NULL, question_answered, question);
}

ApiResult
question_ask (Question *question, Call *call)
{
    g_queue_push_tail (&question->waiting, call);
    if (!question->reading)
        question_read (question);
    return API_LATER;
}
