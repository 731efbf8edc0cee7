/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals to processes of a container, by their number in it. */
#include <errno.h>
#include <signal.h>

#include "driver/api.h"
#include "driver/errand.h"
#include "driver/guest_pid.h"
#include "driver/params.h"
#include "host/node.h"
#include "util/fd.h"
#include "util/task.h"

#define SIGNAL_LAST 65      /* virDomainProcessSignal: the kernel's numbers, 64 is the last real-time one */

typedef struct {
    ErrandTarget target;
    int pid, signal;
} SignalInput;

static void
input_free (gpointer data)
{
    SignalInput *input = data;

    errand_target_clear (&input->target);
    g_free (input);
}

static gpointer
signal_run (gpointer data, GError **error)
{
    const SignalInput *input = data;
    autofd int fd = guest_pid_open (input->target.init_pid, input->pid, error);

    if (fd < 0)
        return NULL;
    if (node_process_start (input->target.init_pid) != input->target.init_start) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
        return NULL;
    }
    if (pidfd_signal (fd, input->signal) < 0) {
        error_set_errno (error, errno, "Unable to send %d signal to process %d", input->signal, input->pid);
        return NULL;
    }
    return data;
}

static void
signal_done (gpointer result, GError *error, gpointer data)
{
    (void) result;
    domain_answer (NULL, error, data);
}

ApiResult
api_domain_send_process_signal (Call *call, const domain_send_process_signal_args *in, none *out,
                                GError **error)
{
    ErrandTarget target;
    SignalInput *input;

    (void) out;
    if (in->signum >= SIGNAL_LAST) {
        error_set (error, ERR_INVALID_ARG, "signum value %u is out of range", in->signum);
        return API_FAILED;
    }
    if (in->pid_value == 0) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "the process id must not be zero");
        return API_FAILED;
    }
    if (in->pid_value < 0 || in->pid_value > G_MAXINT) {
        error_set (error, ERR_ARGUMENT_UNSUPPORTED, "process id %" G_GINT64_FORMAT " is not that of one process",
                   (gint64) in->pid_value);
        return API_FAILED;
    }
    if (!errand_target (call->domain, &target, error))
        return API_FAILED;
    input = g_new0 (SignalInput, 1);
    *input = (SignalInput) { target, (int) in->pid_value, (int) in->signum };
    task_run (signal_run, input, input_free, signal_done, call);
    return API_LATER;
}
