/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks that are held to the end of a scope. They are pthread's: the thread sanitizer does not see into
 * GLib's, and would report what they guard. */
#pragma once

#include <pthread.h>

static inline pthread_mutex_t *
lock_take (pthread_mutex_t *mutex)
{
    pthread_mutex_lock (mutex);
    return mutex;
}

static inline void
lock_give (pthread_mutex_t **mutex)
{
    pthread_mutex_unlock (*mutex);
}

/* `autolock pthread_mutex_t *held = lock_take (&mutex);` gives it back at the end of its scope. */
#define autolock __attribute__ ((cleanup (lock_give), unused))
