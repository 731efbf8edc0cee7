/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images as block devices: which of them go through loop and which through nbd, and the note of those that serve. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "conf/domain_codec.h"
#include "driver/daemon.h"
#include "driver/host_devices.h"
#include "driver/start_private.h"
#include "host/block.h"
#include "host/machined.h"
#include "util/error.h"
#include "util/log.h"
#include "util/task.h"

#define NOTE_NBD "nbd"          /* the qemu-nbd processes, PID:START blank separated */

/* ---- where the servers of this daemon live */

static char *
servers_dir (void)
{
    return g_build_filename (daemon_state.settings->run_dir, "nbd", NULL);
}

void
host_server_init (NbdServer *server)
{
    *server = (NbdServer) { .program = nbd_find_program (daemon_state.settings->qemu_nbd), .dir = servers_dir (),
                            .servers = nbd_servers_new (), .deadline_ms = daemon_state.settings->start_deadline };
}

void
host_server_clear (NbdServer *server)
{
    g_clear_pointer (&server->program, g_free);
    g_clear_pointer (&server->dir, g_free);
    g_clear_pointer (&server->servers, nbd_servers_unref);
}

static gpointer
recover_run (gpointer data, GError **error)
{
    (void) error;
    nbd_recover (data);
    return NULL;
}

static void
recovered (gpointer result, GError *error, gpointer data)
{
    (void) result;
    (void) error;
    (void) data;
}

void
host_images_recover (void)
{
    task_run_waiting ("/nbd", recover_run, servers_dir (), g_free, recovered, NULL);
}

/* ---- one image */

typedef enum { BY_LOOP, BY_NBD } ImageWay;

/* As qemu names them; NULL: what it does not have. */
STATIC_STRING_TABLE (qemu_formats, FORMAT_LAST, NULL, "raw", "qcow2", "qcow", "vmdk", "vdi", "vpc", "qed", NULL,
                     "bochs", "cloop", "dmg", "raw", NULL, "vpc", NULL, NULL);

/* Without a driver, what is not raw can only be meant for nbd. */
static gboolean
choose_way (const HostImage *image, ImageWay *ret, GError **error)
{
    const char *name = string_table_name (&storage_format_names, image->format);
    gboolean raw = image->format == FORMAT_NONE || image->format == FORMAT_RAW;

    *ret = image->driver ? (ImageWay) g_str_equal (image->driver, "nbd") : raw ? BY_LOOP : BY_NBD;
    if (image->driver && *ret != BY_NBD && !g_str_equal (image->driver, "loop"))
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "%s '%s': the driver '%s' is not supported, only loop and nbd",
                          image->what, image->name, image->driver);
    if (*ret == BY_LOOP && !raw)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "%s '%s': a loop device has the format raw only, not %s",
                          image->what, image->name, name);
    if (*ret == BY_NBD && image->format == FORMAT_NONE)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "%s '%s': an explicit format must be given for nbd",
                          image->what, image->name);
    if (*ret == BY_NBD && !string_table_name (&qemu_formats, image->format))
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "%s '%s': the format %s is not supported", image->what,
                          image->name, name);
    if (*ret == BY_NBD && image->cache_unsupported)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "%s '%s': only the cache modes default and none are "
                          "supported", image->what, image->name);
    return TRUE;
}

static gboolean
attach_nbd (DeviceResult *result, const NbdServer *server, const HostImage *image, char **ret_path, int *ret_fd,
            GError **error)
{
    const NbdImage wanted = { .file = image->file, .format = string_table_name (&qemu_formats, image->format),
                              .readonly = image->readonly, .no_cache = image->no_cache };
    NbdProcess process;
    struct stat st;

    /* what comes before a colon is a protocol to qemu, "json:" among them, unless a slash is before it */
    if (*image->file != '/')
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "%s '%s': the path of an image for nbd must be absolute, not "
                          "'%s'", image->what, image->name, image->file);
    /* qemu would wait for a fifo, and export a device as a whole */
    if (stat (image->file, &st) < 0)
        return error_set_errno (error, errno, "Unable to open %s", image->file);
    if (!S_ISREG (st.st_mode))
        return error_set (error, ERR_OPERATION_FAILED, "file '%s' is not a regular file", image->file);
    if (!nbd_attach (server, &wanted, ret_path, ret_fd, &process, error))
        return FALSE;
    g_array_append_val (result->servers, process);
    return TRUE;
}

gboolean
host_image_attach (DeviceResult *result, const NbdServer *server, const HostImage *image, char **ret_path,
                   PlanDevice *ret, GError **error)
{
    ImageWay way;
    struct stat st;
    int fd;

    if (!choose_way (image, &way, error))
        return FALSE;
    if (!(way == BY_LOOP ? block_loop_attach (image->file, image->readonly, ret_path, &fd, error)
                         : attach_nbd (result, server, image, ret_path, &fd, error)))
        return FALSE;
    g_array_append_val (result->images, fd);
    if (fstat (fd, &st) < 0)
        return error_set_errno (error, errno, "cannot stat '%s'", *ret_path);
    *ret = (PlanDevice) { .set = TRUE, .block = TRUE, .major = major (st.st_rdev),
                          .minor = minor (st.st_rdev) };
    return TRUE;
}

/* ---- those that serve a container */

static void
scope_made (const char *cgroup_path, const GError *error, gpointer data)
{
    (void) cgroup_path;
    (void) data;
    if (error)      /* it stays in the daemon's, and is none the worse */
        log_warning ("a qemu-nbd has no scope of its own: %s", error->message);
}

/* Not in the container's group: a server that waits for the memory of those who write to it would never get it,
 * and a frozen one would hold up the host's sync(2). */
static void
make_scope (const Instance *instance, pid_t pid)
{
    const DomainDef *def = instance->domain->def;
    g_autofree char *unit = g_strdup_printf ("skep-nbd-%d.scope", (int) pid);
    g_autofree char *slice = systemd_slice_of_partition (def->partition);
    g_autofree char *description = g_strdup_printf ("Image of container %s", def->name);

    if (systemd_present ())
        systemd_scope_start (unit, slice, description, pid, scope_made, NULL);
}

/* Of NbdProcess: those in the note that have not ended. */
static GArray *
serving (const Instance *instance)
{
    const char *note = instance_note (instance, NOTE_NBD);
    g_auto (GStrv) words = g_strsplit (note ? note : "", " ", -1);
    GArray *result = g_array_new (FALSE, TRUE, sizeof (NbdProcess));

    for (char **word = words; *word; word++) {
        NbdProcess process;

        if (sscanf (*word, "%d:%" G_GUINT64_FORMAT, &process.pid, &process.start) == 2
            && !nbd_process_over (&process))
            g_array_append_val (result, process);
    }
    return result;
}

static void
note_add (GString *note, const NbdProcess *process)
{
    g_string_append_printf (note, "%s%d:%" G_GUINT64_FORMAT, note->len ? " " : "", (int) process->pid,
                            process->start);
}

/* Without those that have ended: a device may come and go any number of times. */
void
host_images_note (Instance *instance, const DeviceResult *result)
{
    g_autoptr (GArray) before = serving (instance);
    g_autoptr (GString) note = g_string_new (NULL);

    for (guint i = 0; i < before->len; i++)
        note_add (note, &g_array_index (before, NbdProcess, i));
    for (guint i = 0; i < result->servers->len; i++) {
        const NbdProcess *process = &g_array_index (result->servers, NbdProcess, i);

        note_add (note, process);
        make_scope (instance, process->pid);
    }
    if (result->servers->len > 0) {
        instance_set_note (instance, NOTE_NBD, note->str);
        /* one that came later: the undo of that step waits for it too */
        instance->begun |= G_GUINT64_CONSTANT (1) << STEP_DEVICES_BIT;
    }
}

gboolean
host_images_served (const Instance *instance)
{
    g_autoptr (GArray) left = serving (instance);

    return left->len > 0;
}
