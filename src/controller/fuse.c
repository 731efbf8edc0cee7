/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one file that the container gets from its controller: a FUSE file system whose root is a plain
 * file, /proc/meminfo. So there are no names, no inodes and no handles, and of the protocol only the few
 * requests below (docs/dependencies.md says why not by libfuse). Never waits: the kernel hands over what
 * is there, and a reply is one write.
 *
 * Each read comes to us, whatever was read before: with AUTO_INVAL_DATA the kernel asks for the file's
 * time first, which is always later. FOPEN_DIRECT_IO would do the same for read(2), but sendfile(2), by
 * which busybox's cat copies, finds such a file empty. The same wants a size.
 *
 * When the controller is gone, readers get ENOTCONN; when it is stopped, they wait and can be killed.
 * Nobody else touches the mount: opening is asked of us, closing is not (FOPEN_NOFLUSH), and neither an
 * unmount nor the end of the container talks to us.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "controller/controller.h"
#include "controller/meminfo.h"
#include "util/fd.h"

#define REQUEST_SIZE FUSE_MIN_READ_BUFFER
#define REQUESTS_A_TURN 16      /* a container that asks all the time does not starve its consoles */

typedef struct {
    struct fuse_in_header head;
    union {
        struct fuse_init_in init;
        struct fuse_read_in read;
        char rest[REQUEST_SIZE - sizeof (struct fuse_in_header)];
    } arg;
} Request;

static void
reply (Controller *c, const Request *request, int err, const void *data, size_t size)
{
    struct fuse_out_header head = {
        .len = (uint32_t) (sizeof head + size), .error = -err, .unique = request->head.unique,
    };
    struct iovec parts[2] = { { &head, sizeof head }, { (void *) data, size } };

    /* ENOENT: whoever asked has been killed. Anything else shows at the next read. */
    if (writev (c->fuse, parts, size ? 2 : 1) < 0)
        return;
}

static void
reply_init (Controller *c, const Request *request)
{
    struct fuse_init_out out = {
        .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096,
        .flags = FUSE_AUTO_INVAL_DATA,
    };

    /* a newer kernel asks again with our version, an older one has all that is used here */
    reply (c, request, request->arg.init.major < 7 ? EPROTO : 0, &out,
           request->arg.init.major < 7 ? 0 : sizeof out);
}

static void
reply_attributes (Controller *c, const Request *request)
{
    char text[MEMINFO_SIZE];
    struct fuse_attr_out out = {
        .attr = { .ino = FUSE_ROOT_ID, .mode = S_IFREG | 0444, .nlink = 1, .blksize = 4096,
                  .uid = c->root.uid, .gid = c->root.gid,
                  .size = meminfo_format (c->memory_group, c->memory_v2, text) },
    };
    struct timespec now;

    /* always new */
    clock_gettime (CLOCK_REALTIME, &now);
    out.attr.atime = out.attr.mtime = out.attr.ctime = (uint64_t) now.tv_sec;
    out.attr.atimensec = out.attr.mtimensec = out.attr.ctimensec = (uint32_t) now.tv_nsec;
    reply (c, request, 0, &out, sizeof out);
}

static void
reply_read (Controller *c, const Request *request)
{
    char text[MEMINFO_SIZE];
    size_t length = meminfo_format (c->memory_group, c->memory_v2, text);
    uint64_t offset = request->arg.read.offset;
    size_t size = offset < length ? length - (size_t) offset : 0;

    if (size > request->arg.read.size)
        size = request->arg.read.size;
    reply (c, request, 0, size ? text + offset : NULL, size);
}

static void
serve (Controller *c, const Request *request)
{
    static const struct fuse_open_out opened = { .open_flags = FOPEN_NOFLUSH };
    static const struct fuse_statfs_out statistics = { .st = { .bsize = 4096, .namelen = 255 } };

    switch (request->head.opcode) {
    case FUSE_INIT:
        reply_init (c, request);
        return;
    case FUSE_GETATTR:
        reply_attributes (c, request);
        return;
    case FUSE_OPEN:
        reply (c, request, 0, &opened, sizeof opened);
        return;
    case FUSE_READ:
        reply_read (c, request);
        return;
    case FUSE_STATFS:
        reply (c, request, 0, &statistics, sizeof statistics);
        return;
    case FUSE_RELEASE:
        reply (c, request, 0, NULL, 0);
        return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return;         /* no answer is expected */
    default:
        reply (c, request, ENOSYS, NULL, 0);
    }
}

void
fuse_event (Controller *c)
{
    Request request;

    for (int i = 0; i < REQUESTS_A_TURN; i++) {
        ssize_t n = read (c->fuse, &request, sizeof request);

        if (n < 0 && (errno == EINTR || errno == ENOENT))
            continue;       /* ENOENT: taken back while we read it */
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < (ssize_t) sizeof request.head) {
            fd_close (&c->fuse);        /* ENODEV: not mounted any more */
            return;
        }
        serve (c, &request);
    }
}
