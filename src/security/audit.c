/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/audit.h"

#include <errno.h>
#include <libaudit.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/error.h"
#include "util/log.h"

#define RECHECK_US (5 * G_USEC_PER_SEC)

static struct {
    AuditLevel level;
    gboolean also_log;
    int fd;                 /* -1: the kernel has no audit */
    gboolean enabled;       /* the kernel keeps what it is sent */
    gint64 checked;         /* when that was last asked */
} trail = { .level = AUDIT_OFF, .fd = -1 };

/* Audit may be switched on after us at boot, so a "no" is asked again now and then. */
static gboolean
kernel_keeps (void)
{
    gint64 now = g_get_monotonic_time ();

    if (trail.fd < 0 || trail.enabled)
        return trail.enabled;
    if (trail.checked && now - trail.checked < RECHECK_US)
        return FALSE;
    trail.checked = now;
    /* -1: may not ask (no CAP_AUDIT_CONTROL); then it is worth sending */
    trail.enabled = audit_is_enabled (trail.fd) != 0;
    return trail.enabled;
}

gboolean
audit_trail_open (AuditLevel level, gboolean also_log, GError **error)
{
    audit_trail_close ();
    trail.level = level;
    trail.also_log = also_log;
    if (level == AUDIT_OFF)
        return TRUE;
    trail.fd = audit_open ();
    if (trail.fd < 0 && level == AUDIT_REQUIRED)
        return error_set (error, ERR_INTERNAL, "Audit is not supported by the kernel");
    if (!kernel_keeps () && level == AUDIT_REQUIRED) {
        audit_trail_close ();
        return error_set (error, ERR_INTERNAL, "Audit is not enabled on the host");
    }
    return TRUE;
}

void
audit_trail_close (void)
{
    if (trail.fd >= 0)
        close (trail.fd);
    trail.fd = -1;
    trail.enabled = FALSE;
    trail.checked = 0;
    trail.level = AUDIT_OFF;
}

static gboolean
send_record (int type, const char *text, gboolean success)
{
    if (!kernel_keeps ())
        return FALSE;
    if (audit_log_user_message (trail.fd, type, text, NULL, NULL, NULL, success) > 0)
        return TRUE;
    log_warning ("Failed to send audit message %s: %s", text, g_strerror (errno));
    return FALSE;
}

G_GNUC_PRINTF (3, 4)
static void
record (int type, gboolean success, const char *format, ...)
{
    g_autofree char *text = NULL, *line = NULL;
    gboolean sent;
    va_list args;

    if (trail.level == AUDIT_OFF && !trail.also_log)
        return;
    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    sent = trail.level == AUDIT_OFF || send_record (type, text, success);
    if (!sent)
        log_once (LOG_WARNING_LEVEL, "audit",
                  trail.fd < 0 ? "the kernel has no audit: audit records go to this log"
                               : "audit is not enabled on this host: audit records go to this log");
    if (sent && !trail.also_log)
        return;
    line = g_strdup_printf ("success=%s %s", success ? "yes" : "no", text);
    log_record (line);
}

char *
audit_field (const char *name, const char *value)
{
    char *encoded = audit_encode_nv_string (name, value ? value : "?", 0);
    char *copy = encoded ? g_strdup (encoded) : g_strdup_printf ("%s=?", name);

    free (encoded);
    return copy;
}

/* `vm="name" uuid=...` of every record */
static char *
domain_fields (const DomainDef *def)
{
    g_autofree char *vm = audit_field ("vm", def->name);
    char uuid[37];

    domain_uuid_format (def->uuid, uuid);
    return g_strdup_printf ("%s uuid=%s", vm, uuid);
}

void
audit_start (const DomainDef *def, const char *reason, int pid, gboolean success)
{
    g_autofree char *domain = domain_fields (def);

    record (AUDIT_VIRT_CONTROL, success, "virt=lxc op=start reason=%s %s vm-pid=%d", reason, domain, pid);
}

void
audit_stop (const DomainDef *def, const char *reason)
{
    g_autofree char *domain = domain_fields (def);

    record (AUDIT_VIRT_CONTROL, TRUE, "virt=lxc op=stop reason=%s %s vm-pid=0", reason, domain);
}

void
audit_init (const DomainDef *def, int pid, int init_pid, guint64 pid_namespace)
{
    g_autofree char *domain = domain_fields (def);

    record (AUDIT_VIRT_CONTROL, TRUE, "virt=lxc op=init %s vm-pid=%d init-pid=%d pid-ns=%" G_GUINT64_FORMAT,
            domain, pid, init_pid, pid_namespace);
}

/* A label comes from a definition: nothing in it may begin another field. */
static const char *
plain (const char *label)
{
    if (!label || !*label)
        return "?";
    for (const char *c = label; *c; c++)
        if ((guchar) *c <= ' ' || *c == 0x7f || *c == '"')
            return "?";
    return label;
}

void
audit_labels (const DomainDef *def, gboolean success)
{
    g_autofree char *domain = domain_fields (def);

    for (guint i = 0; def->seclabels && i < def->seclabels->len; i++) {
        const SeclabelDef *label = def->seclabels->pdata[i];

        record (AUDIT_VIRT_MACHINE_ID, success, "virt=lxc %s vm-ctx=%s img-ctx=%s model=%s", domain,
                plain (label->label), plain (label->imagelabel), plain (label->model));
    }
}

void
audit_resource (const DomainDef *def, const char *resource, const char *reason, const char *old_value,
                const char *new_value, gboolean success)
{
    g_autofree char *domain = domain_fields (def);
    g_autofree char *old_name = g_strdup_printf ("old-%s", resource);
    g_autofree char *new_name = g_strdup_printf ("new-%s", resource);
    g_autofree char *old_field = NULL, *new_field = NULL;

    if (g_str_equal (resource, "mem") || g_str_equal (resource, "vcpu")) {  /* numbers stand bare */
        old_field = g_strdup_printf ("%s=%s", old_name, old_value ? old_value : "0");
        new_field = g_strdup_printf ("%s=%s", new_name, new_value ? new_value : "0");
    } else {
        old_field = audit_field (old_name, old_value);
        new_field = audit_field (new_name, new_value);
    }
    record (AUDIT_VIRT_RESOURCE, success, "virt=lxc resrc=%s reason=%s %s %s %s", resource, reason, domain,
            old_field, new_field);
}

void
audit_hostdev (const DomainDef *def, const char *kind, const char *device, const char *reason,
               gboolean success)
{
    g_autofree char *domain = domain_fields (def);
    gboolean usb = g_str_equal (kind, "usb");
    g_autofree char *field = audit_field (usb ? "device" : kind, device);

    if (usb)
        record (AUDIT_VIRT_RESOURCE, success, "virt=lxc resrc=dev reason=%s %s bus=usb %s", reason, domain, field);
    else
        record (AUDIT_VIRT_RESOURCE, success, "virt=lxc resrc=hostdev reason=%s %s %s", reason, domain, field);
}

static void
audit_start_hostdev (const DomainDef *def, const HostdevDef *hostdev)
{
    char usb[16];

    switch ((HostdevType) hostdev->type) {
    case HOSTDEV_USB:
        g_snprintf (usb, sizeof usb, "%03u.%03u", hostdev->bus, hostdev->device);
        audit_hostdev (def, "usb", usb, "start", TRUE);
        break;
    case HOSTDEV_STORAGE:
        audit_hostdev (def, "disk", hostdev->path, "start", TRUE);
        break;
    case HOSTDEV_MISC:
        audit_hostdev (def, "chardev", hostdev->path, "start", TRUE);
        break;
    default:                    /* libvirt has no record for it, or it means nothing to a container */
        break;
    }
}

void
audit_start_resources (const DomainDef *def)
{
    char number[24];

    for (guint i = 0; def->disks && i < def->disks->len; i++)
        audit_resource (def, "disk", "start", NULL, ((DiskDef *) def->disks->pdata[i])->source, TRUE);
    for (guint i = 0; def->filesystems && i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->source)
            audit_resource (def, "fs", "start", NULL, fs->source, TRUE);
    }
    for (guint i = 0; def->nets && i < def->nets->len; i++)
        audit_resource (def, "net", "start", NULL, ((NetDef *) def->nets->pdata[i])->mac, TRUE);
    for (guint i = 0; def->hostdevs && i < def->hostdevs->len; i++)
        audit_start_hostdev (def, def->hostdevs->pdata[i]);
    for (guint i = 0; def->consoles && i < def->consoles->len; i++)
        audit_resource (def, "chardev", "start", NULL, ((ConsoleDef *) def->consoles->pdata[i])->source_path, TRUE);
    g_snprintf (number, sizeof number, "%" G_GUINT64_FORMAT, def->memory);
    audit_resource (def, "mem", "start", "0", number, TRUE);
    g_snprintf (number, sizeof number, "%u", def->vcpus);
    audit_resource (def, "vcpu", "start", "0", number, TRUE);
}
