/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which device nodes may be opened and made. v1: the list of the devices controller. v2: a program of
 * our own making on BASE; a program that someone attaches further down can only forbid more, since all
 * of the path must agree (BPF_F_ALLOW_MULTI).
 */
#include "host/cgroup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"

#define DEVICE_RULES_MAX 400        /* 4096 instructions is the limit of older kernels */

/* ---- v1 */

static const char rights[] = "rwm";

/* Bits in the order of @rights. */
static guint
access_mask (const char *access, gsize size)
{
    guint mask = 0;

    for (gsize i = 0; i < size && access[i]; i++)
        for (guint k = 0; rights[k]; k++)
            if (access[i] == rights[k])
                mask |= 1u << k;
    return mask;
}

static void
number_text (gint64 number, char text[24])
{
    if (number < 0)
        g_strlcpy (text, "*", 24);
    else
        g_snprintf (text, 24, "%" G_GINT64_FORMAT, number);
}

/* "c 1:3" */
static void
device_text (const CgroupDeviceRule *rule, char type, char text[64])
{
    char numbers[2][24];

    number_text (rule->major, numbers[0]);
    number_text (rule->minor, numbers[1]);
    g_snprintf (text, 64, "%c %s:%s", type, numbers[0], numbers[1]);
}

static void
rule_text (const char *device, guint mask, char text[80])
{
    gsize n = (gsize) g_snprintf (text, 80, "%s ", device);

    for (guint k = 0; rights[k]; k++)
        if (mask & (1u << k))
            text[n++] = rights[k];
    text[n] = '\0';
}

/* What the rules grant on exactly this device; the kernel keeps one entry for it, rights merged. */
static guint
wanted_mask (const char *device, const CgroupDeviceRule *rules, guint n)
{
    char text[64];
    guint mask = 0;

    for (guint i = 0; i < n; i++) {
        device_text (&rules[i], device[0], text);
        if ((rules[i].type == device[0] || rules[i].type == 'a') && g_str_equal (text, device))
            mask |= access_mask (rules[i].access, sizeof rules[i].access);
    }
    return mask;
}

/* The kernel knows 'a' only as "everything", so a rule for both types is written twice. 0, or negative errno. */
static int
allow_rule (int fd, const CgroupDeviceRule *rule)
{
    const char *types = rule->type == 'a' ? "cb" : rule->type == 'b' ? "b" : "c";
    guint mask = access_mask (rule->access, sizeof rule->access);
    char device[64], text[80];

    for (; *types; types++) {
        device_text (rule, *types, device);
        rule_text (device, mask, text);
        if (pwrite (fd, text, strlen (text), 0) < 0)
            return -errno;
    }
    return 0;
}

/* Opening such a file costs ten times what a write does. */
static gboolean
allow_rules (CgroupHierarchy *h, Cgroup *c, const CgroupDeviceRule *rules, guint n, GError **error)
{
    autofd int fd = cgroup_file_open (h, c->base, "", "devices.allow", O_WRONLY);
    int r = fd < 0 ? -errno : 0;

    for (guint i = 0; i < n && r == 0; i++)
        r = allow_rule (fd, &rules[i]);
    return r == 0 || cgroup_error (error, h, c->base, "", "devices.allow", -r, TRUE);
}

/* Takes away what a line "c 1:3 rwm" of the list grants beyond the rules. */
static gboolean
deny_excess (CgroupHierarchy *h, Cgroup *c, char *line, const CgroupDeviceRule *rules, guint n,
             GError **error)
{
    char *access = strrchr (line, ' '), text[80];
    guint excess;

    if (!access || access == line)
        return TRUE;
    *access++ = '\0';
    excess = access_mask (access, strlen (access)) & ~wanted_mask (line, rules, n);
    rule_text (line, excess, text);
    return excess == 0 || cgroup_write (h, c->base, "", "devices.deny", text, error);
}

/* A list that is in force is changed by its difference, new rules first: a running container never
 * sees a moment without /dev/null. */
gboolean
cgroup_v1_set_devices (CgroupHierarchy *h, Cgroup *c, const CgroupDeviceRule *rules, guint n, GError **error)
{
    g_autofree char *text = cgroup_read_long (h, c->base, "devices.list", error);
    g_auto (GStrv) lines = NULL;

    if (!text)
        return FALSE;
    if (g_str_has_prefix (text, "a ")) {
        if (!cgroup_write (h, c->base, "", "devices.deny", "a", error))
            return FALSE;
        text[0] = '\0';
    }
    if (!allow_rules (h, c, rules, n, error))
        return FALSE;
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i]; i++)
        if (!deny_excess (h, c, lines[i], rules, n, error))
            return FALSE;
    return TRUE;
}

/* ---- v2 */

static guint
access_bits (const CgroupDeviceRule *rule)
{
    guint bits = 0;

    for (gsize i = 0; i < sizeof rule->access && rule->access[i]; i++)
        bits |= rule->access[i] == 'r' ? BPF_DEVCG_ACC_READ
              : rule->access[i] == 'w' ? BPF_DEVCG_ACC_WRITE
              : rule->access[i] == 'm' ? BPF_DEVCG_ACC_MKNOD : 0;
    return bits;
}

#define INSN(op, to, from, jump, value)                                                            \
    ((struct bpf_insn) { .code = (op), .dst_reg = (to), .src_reg = (from), .off = (jump), .imm = (value) })

enum { R_TYPE = BPF_REG_2, R_ACCESS = BPF_REG_3, R_MAJOR = BPF_REG_4, R_MINOR = BPF_REG_5 };

/* if all conditions of the rule hold: return 1 */
static guint
device_rule_program (const CgroupDeviceRule *rule, struct bpf_insn *p)
{
    guint bits = access_bits (rule), n = 0, end;
    gboolean all_access = bits == (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD);

    if (rule->type != 'a')
        p[n++] = INSN (BPF_JMP | BPF_JNE | BPF_K, R_TYPE, 0, 0,
                       rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (!all_access) {
        p[n++] = INSN (BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, R_ACCESS, 0, 0);
        p[n++] = INSN (BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, (gint32) bits);
        p[n++] = INSN (BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, R_ACCESS, 0, 0);
    }
    if (rule->major >= 0)
        p[n++] = INSN (BPF_JMP | BPF_JNE | BPF_K, R_MAJOR, 0, 0, (gint32) rule->major);
    if (rule->minor >= 0)
        p[n++] = INSN (BPF_JMP | BPF_JNE | BPF_K, R_MINOR, 0, 0, (gint32) rule->minor);
    p[n++] = INSN (BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
    p[n++] = INSN (BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    /* an unmet condition jumps behind the rule */
    end = n;
    for (guint i = 0; i < n; i++)
        if (BPF_CLASS (p[i].code) == BPF_JMP && BPF_OP (p[i].code) == BPF_JNE)
            p[i].off = (gint16) (end - i - 1);
    return n;
}

guint
cgroup_device_program (const CgroupDeviceRule *rules, guint n_rules, struct bpf_insn *p)
{
    guint n = 0;

    /* struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor */
    p[n++] = INSN (BPF_LDX | BPF_W | BPF_MEM, R_TYPE, BPF_REG_1, 0, 0);
    p[n++] = INSN (BPF_ALU | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
    p[n++] = INSN (BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
    p[n++] = INSN (BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
    p[n++] = INSN (BPF_LDX | BPF_W | BPF_MEM, R_MAJOR, BPF_REG_1, 4, 0);
    p[n++] = INSN (BPF_LDX | BPF_W | BPF_MEM, R_MINOR, BPF_REG_1, 8, 0);
    for (guint i = 0; i < n_rules; i++)
        n += device_rule_program (&rules[i], p + n);
    p[n++] = INSN (BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
    p[n++] = INSN (BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    return n;
}

static int
bpf_call (int command, union bpf_attr *attr)
{
    return (int) syscall (SYS_bpf, command, attr, sizeof *attr);
}

static int
load_program (const CgroupDeviceRule *rules, guint n)
{
    g_autofree struct bpf_insn *program = g_new0 (struct bpf_insn, CGROUP_DEVICE_INSNS (n));
    union bpf_attr attr;

    memset (&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insn_cnt = cgroup_device_program (rules, n, program);
    attr.insns = (guint64) (guintptr) program;
    attr.license = (guint64) (guintptr) "LGPL";
    g_strlcpy (attr.prog_name, "skep_devices", sizeof attr.prog_name);
    return bpf_call (BPF_PROG_LOAD, &attr);
}

/* The program that is attached to @dir itself; 0 none, negative errno. */
static int
attached_program (int dir, int *ret_fd)
{
    union bpf_attr attr;
    guint32 ids[8] = { 0 };

    memset (&attr, 0, sizeof attr);
    attr.query.target_fd = (guint32) dir;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_ids = (guint64) (guintptr) ids;
    attr.query.prog_cnt = G_N_ELEMENTS (ids);
    if (bpf_call (BPF_PROG_QUERY, &attr) < 0)
        return -errno;
    if (attr.query.prog_cnt == 0)
        return 0;
    memset (&attr, 0, sizeof attr);
    attr.prog_id = ids[0];
    *ret_fd = bpf_call (BPF_PROG_GET_FD_BY_ID, &attr);
    return *ret_fd < 0 ? -errno : 1;
}

/* Replaces in one step: there is no moment with both programs, or none. */
static int
attach_program (int dir, int program)
{
    autofd int old = -1;
    union bpf_attr attr;
    int r = attached_program (dir, &old);

    if (r < 0)
        return r;
    memset (&attr, 0, sizeof attr);
    attr.target_fd = (guint32) dir;
    attr.attach_bpf_fd = (guint32) program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    if (r > 0) {
        attr.attach_flags |= BPF_F_REPLACE;
        attr.replace_bpf_fd = (guint32) old;
    }
    return bpf_call (BPF_PROG_ATTACH, &attr) < 0 ? -errno : 0;
}

gboolean
cgroup_v2_set_devices (CgroupHierarchy *h, Cgroup *c, const CgroupDeviceRule *rules, guint n, GError **error)
{
    autofd int dir = -1, program = -1;
    int r;

    if (n > DEVICE_RULES_MAX)
        return error_set (error, ERR_OVERFLOW, "too many device rules: %u", n);
    dir = openat (h->fd, c->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_set_errno (error, errno, "unable to open '%s/%s'", h->mount, c->base);
    program = load_program (rules, n);
    if (program < 0)
        return error_set_errno (error, errno, "failed to load cgroup BPF prog");
    r = attach_program (dir, program);
    return r == 0 || error_set_errno (error, -r, "failed to attach cgroup BPF prog");
}
