/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about the host whose answer is read from many files: on a large host that takes too long for
 * the main loop, and anybody may ask. A task reads; calls that come meanwhile share the next reading, so
 * one reader at a time is enough for however many ask.
 */
#pragma once

#include "driver/dispatch.h"
#include "util/task.h"

typedef struct {
    TaskRun read;                               /* pool thread: the answer, or NULL with error */
    void (*fill) (void *out, gpointer answer);  /* main loop: into the reply of each call */
    GDestroyNotify free_answer;
    /* the rest begins as zeroes */
    GQueue waiting, asked;                      /* of Call: for the next reading, of this one */
    gboolean reading;
} Question;

/* Owns @call from here on: the handler returns what this does, API_LATER. */
ApiResult question_ask (Question *question, Call *call);
