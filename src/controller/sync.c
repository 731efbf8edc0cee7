/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/sync.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "util/fd.h"

int
sync_send (int sock, unsigned type, uint64_t a, const int *fds, unsigned n_fds)
{
    MonitorPacket packet = { .type = type, .a = a };

    return fd_send (sock, &packet, sizeof packet, fds, n_fds);
}

int
sync_expect (int sock, unsigned type)
{
    MonitorPacket packet;
    unsigned n_fds = 0;

    if (fd_receive (sock, &packet, sizeof packet, NULL, &n_fds) != sizeof packet)
        return -1;
    return packet.type == type ? 0 : -1;
}

void
sync_fail (int sock, const Failure *failure)
{
    MonitorPacket packet;

    failure_to_packet (failure, &packet);
    (void) fd_send (sock, &packet, sizeof packet, NULL, 0);
    _exit (1);
}

void
sync_keep_fds (const int *keep, unsigned n)
{
    unsigned first = 3;

    /* walks upward: the gap before the next kept descriptor goes, then the rest */
    for (;;) {
        unsigned next = ~0U;

        for (unsigned i = 0; i < n; i++) {
            if (keep[i] >= 0 && (unsigned) keep[i] >= first && (unsigned) keep[i] < next)
                next = (unsigned) keep[i];
        }
        if (next == ~0U)
            break;
        if (next > first)
            (void) syscall (SYS_close_range, first, next - 1, 0);
        first = next + 1;
    }
    (void) syscall (SYS_close_range, first, ~0U, 0);
}

int
sync_join_groups (const int *tasks, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (write (tasks[i], "0", 1) != 1)
            return -1;
    return 0;
}
