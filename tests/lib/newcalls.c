/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into a skepd under valgrind. The valgrind of Debian 12 (3.19) answers ENOSYS to system calls that are
 * newer than itself, and nothing starts without openat2(2) and pidfds; and it does not know some ioctls. Here those
 * are made on the real CPU, where valgrind does not see them: what they read is asked for before, what they write is
 * told to it after. All of ours, and those of libraries, go through syscall(3) and ioctl(3). On x86-64 alone.
 */
#include <errno.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/nsfs.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <valgrind/memcheck.h>

typedef struct {
    long number;
    long args[6];
} Call;

static long
call_kernel (const Call *call)
{
    register long fourth __asm__ ("r10") = call->args[3];
    register long fifth __asm__ ("r8") = call->args[4];
    register long sixth __asm__ ("r9") = call->args[5];
    long result;

    __asm__ volatile ("syscall"
                      : "=a"(result)
                      : "0"(call->number), "D"(call->args[0]), "S"(call->args[1]), "d"(call->args[2]), "r"(fourth),
                        "r"(fifth), "r"(sixth)
                      : "rcx", "r11", "memory");
    return result;
}

/* On the real CPU: nothing of libc, which may be something else there. */
static long
call_unseen (unsigned long thread, const Call *call)
{
    (void) thread;
    return call_kernel (call);
}

/* A string or buffer that the kernel reads. */
static void
reads (long pointer, size_t size)
{
    (void) VALGRIND_CHECK_MEM_IS_DEFINED (pointer, size);
}

static int
is_new_ioctl (const Call *call)
{
    switch (call->args[1]) {
    case LOOP_CONFIGURE:
        reads (call->args[2], sizeof (struct loop_config));
        return 1;
    case FIFREEZE:      /* their numbers promise an int, which the kernel never looks at */
    case FITHAW:
    case NS_GET_USERNS:
    case NS_GET_PARENT:
    case NS_GET_NSTYPE:
    case LOOP_CTL_GET_FREE:
    case CDROM_LAST_WRITTEN:
        return 1;
    default:
        return 0;
    }
}

static int
is_new (const Call *call)
{
    switch (call->number) {
    case SYS_openat2:
        reads (call->args[1], strlen ((const char *) call->args[1]) + 1);
        reads (call->args[2], (size_t) call->args[3]);
        return 1;
    case SYS_mount_setattr:
        reads (call->args[3], (size_t) call->args[4]);
        return 1;
    case SYS_fsopen:
        reads (call->args[0], strlen ((const char *) call->args[0]) + 1);
        return 1;
    case SYS_fsconfig:      /* of the commands that have neither key nor value */
        return !call->args[2] && !call->args[3];
    case SYS_fsmount:
    case SYS_pidfd_open:
    case SYS_pidfd_send_signal:
        return 1;
    case SYS_ioctl:
        return is_new_ioctl (call);
    default:
        return 0;
    }
}

static long
call_made (const Call *call)
{
    long result = is_new (call) ? (long) VALGRIND_NON_SIMD_CALL1 (call_unseen, call) : call_kernel (call);

    if (result < 0 && result > -4096) {
        errno = (int) -result;
        return -1;
    }
    if (call->number == SYS_ioctl && call->args[1] == CDROM_LAST_WRITTEN)
        VALGRIND_MAKE_MEM_DEFINED (call->args[2], sizeof (long));
    return result;
}

long
syscall (long number, ...)
{
    Call call = { .number = number };
    va_list args;

    va_start (args, number);
    for (int i = 0; i < 6; i++)     /* more than some callers give, as libc's own does */
        call.args[i] = va_arg (args, long);
    va_end (args);
    return call_made (&call);
}

int
ioctl (int fd, unsigned long request, ...)
{
    Call call = { .number = SYS_ioctl, .args = { fd, (long) request } };
    va_list args;

    va_start (args, request);
    call.args[2] = va_arg (args, long);
    va_end (args);
    return (int) call_made (&call);
}
