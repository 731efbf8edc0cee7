/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/seccomp.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/lock.h"

/* EPERM: acts on the host's kernel, whatever capabilities say. ENOSYS: what programs have a fallback
 * for, and attackers a use. Nothing that an init, systemd's sandboxes or nested containers need. */
static const char default_policy[] =
    "2\n"
    "denylist\n"
    "reject_force_umount\n"
    "[all]\n"
    "kexec_load errno 1\n"
    "kexec_file_load errno 1\n"
    "open_by_handle_at errno 1\n"
    "init_module errno 1\n"
    "finit_module errno 1\n"
    "delete_module errno 1\n"
    "swapon errno 1\n"
    "swapoff errno 1\n"
    "io_uring_setup errno 38\n"
    "io_uring_enter errno 38\n"
    "io_uring_register errno 38\n"
    "userfaultfd errno 38\n";

#define ARGS_MAX 6

typedef struct {
    const char *what;
    guint line;
    guint version;
    gboolean denylist;
    guint32 otherwise;          /* action of calls that no rule names */
    guint32 action;             /* of rules that name none */
    gboolean skip;              /* the section's architecture is not this machine's */
    GString *unknown;           /* calls that were passed over, with their lines */
    scmp_filter_ctx filter;
} Policy;

G_GNUC_PRINTF (3, 4)
static gboolean
fail (const Policy *policy, GError **error, const char *format, ...)
{
    g_autofree char *detail = NULL;
    va_list args;

    va_start (args, format);
    detail = g_strdup_vprintf (format, args);
    va_end (args);
    return error_set_from (error, ORIGIN_SECURITY, ERR_CONFIG_UNSUPPORTED, "%s:%u: %s", policy->what,
                           policy->line, detail);
}

/* ---- words */

/* Cuts off the next word of *at; NULL when there is none. */
static char *
next_word (char **at)
{
    char *word = *at + strspn (*at, " \t");

    *at = word + strcspn (word, " \t");
    if (**at)
        *(*at)++ = '\0';
    return *word ? word : NULL;
}

static gboolean
parse_number (const char *text, guint64 *ret)
{
    char *end;

    errno = 0;
    *ret = g_ascii_strtoull (text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && *text != '-';
}

/* An action at *at, which moves behind it; the policy's own when there is none. */
static gboolean
parse_action (const Policy *policy, char **at, guint32 *ret, GError **error)
{
    char *rest = *at + strspn (*at, " \t");
    char *word;
    guint64 number;

    *ret = policy->action;
    if (*rest == '\0' || *rest == '[')
        return TRUE;
    word = next_word (&rest);
    *at = rest;
    if (strcmp (word, "kill") == 0)
        *ret = SCMP_ACT_KILL;
    else if (strcmp (word, "trap") == 0)
        *ret = SCMP_ACT_TRAP;
    else if (strcmp (word, "allow") == 0)
        *ret = SCMP_ACT_ALLOW;
    else if (strcmp (word, "log") == 0)
        *ret = SCMP_ACT_LOG;
    else if (strcmp (word, "errno") != 0)
        return fail (policy, error, "action '%s' is not supported", word);
    if (strcmp (word, "errno") != 0)
        return TRUE;
    word = next_word (at);
    if (!word || !parse_number (word, &number) || number > 4095)
        return fail (policy, error, "errno needs a number up to 4095");
    *ret = SCMP_ACT_ERRNO ((guint16) number);
    return TRUE;
}

static const struct {
    const char *name;
    enum scmp_compare op;
} compare_rows[] = {
    { "SCMP_CMP_NE", SCMP_CMP_NE }, { "!=", SCMP_CMP_NE }, { "SCMP_CMP_LT", SCMP_CMP_LT },
    { "<", SCMP_CMP_LT },           { "SCMP_CMP_LE", SCMP_CMP_LE }, { "<=", SCMP_CMP_LE },
    { "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "==", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE },
    { ">=", SCMP_CMP_GE },          { "SCMP_CMP_GT", SCMP_CMP_GT }, { ">", SCMP_CMP_GT },
    { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ }, { "&=", SCMP_CMP_MASKED_EQ },
};

/* The inside of "[0,1,SCMP_CMP_EQ]" or "[0,1,SCMP_CMP_MASKED_EQ,0xff]". */
static gboolean
parse_arg (const Policy *policy, const char *text, struct scmp_arg_cmp *ret, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (text, ",", -1);
    guint n = g_strv_length (parts);
    guint64 index, value, second = 0;

    if (n < 3 || n > 4)
        return fail (policy, error, "an argument is [INDEX,VALUE,OPERATOR] or [..., MASK]");
    for (guint i = 0; i < n; i++)
        g_strstrip (parts[i]);
    if (!parse_number (parts[0], &index) || index >= ARGS_MAX || !parse_number (parts[1], &value)
        || (n == 4 && !parse_number (parts[3], &second)))
        return fail (policy, error, "bad number in the argument '%s'", text);
    for (guint i = 0; i < G_N_ELEMENTS (compare_rows); i++) {
        if (strcmp (parts[2], compare_rows[i].name) != 0)
            continue;
        *ret = (struct scmp_arg_cmp) { .arg = (unsigned) index, .op = compare_rows[i].op,
                                       .datum_a = value, .datum_b = second };
        /* LXC has the mask last, libseccomp first */
        if (ret->op == SCMP_CMP_MASKED_EQ) {
            ret->datum_a = second;
            ret->datum_b = value;
        }
        return TRUE;
    }
    return fail (policy, error, "unknown operator '%s'", parts[2]);
}

static gboolean
parse_args (const Policy *policy, char *text, struct scmp_arg_cmp *args, guint *ret_n, GError **error)
{
    guint n = 0;

    while (*(text += strspn (text, " \t,"))) {
        char *end = strchr (text, ']');

        if (*text != '[' || !end || n == ARGS_MAX)
            return fail (policy, error, "bad arguments '%s'", text);
        *end = '\0';
        if (!parse_arg (policy, text + 1, &args[n++], error))
            return FALSE;
        text = end + 1;
    }
    *ret_n = n;
    return TRUE;
}

/* ---- rules */

static gboolean
add_rule (Policy *policy, int call, guint32 action, const struct scmp_arg_cmp *args, guint n,
          GError **error)
{
    int result;

    if (action == policy->otherwise)
        return TRUE;        /* what happens anyway is no rule for libseccomp */
    result = seccomp_rule_add_array (policy->filter, action, call, n, args);
    /* EDOM: not a call of one of the architectures; EEXIST: said before */
    if (result < 0 && result != -EDOM && result != -EEXIST)
        return fail (policy, error, "libseccomp: %s", strerror (-result));
    return TRUE;
}

static gboolean
rule_line (Policy *policy, char *line, GError **error)
{
    struct scmp_arg_cmp args[ARGS_MAX];
    char *name = next_word (&line);
    guint32 action;
    guint n = 0;
    int call;

    if (strcmp (name, "reject_force_umount") == 0) {
        args[0] = (struct scmp_arg_cmp) { .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = MNT_FORCE,
                                          .datum_b = MNT_FORCE };
        return policy->skip
            || add_rule (policy, SCMP_SYS (umount2), SCMP_ACT_ERRNO (EACCES), args, 1, error);
    }
    if (!parse_action (policy, &line, &action, error) || !parse_args (policy, line, args, &n, error))
        return FALSE;
    if (policy->skip)
        return TRUE;
    call = seccomp_syscall_resolve_name (name);
    if (call == __NR_SCMP_ERROR) {
        g_string_append_printf (policy->unknown, "%s%u: %s", policy->unknown->len ? ", " : "",
                                policy->line, name);
        return TRUE;
    }
    return add_rule (policy, call, action, args, n, error);
}

/* Version 1: a number a line. */
static gboolean
number_line (Policy *policy, const char *line, GError **error)
{
    guint64 call;

    if (!parse_number (line, &call) || call > 100000)
        return fail (policy, error, "'%s' is not the number of a system call", line);
    return add_rule (policy, (int) call, SCMP_ACT_ALLOW, NULL, 0, error);
}

/* "[x86_64]": whether its rules are for this machine. Rules of a compatible architecture are for all,
 * since one filter serves both, and the calls have the same meaning. */
static gboolean
section_line (Policy *policy, char *line, GError **error)
{
    char *end = strchr (line, ']');
    g_autofree char *name = NULL;
    guint32 arch;

    if (!end)
        return fail (policy, error, "']' is missing");
    name = g_ascii_strdown (line + 1, end - line - 1);
    if (strcmp (name, "all") == 0) {
        policy->skip = FALSE;
        return TRUE;
    }
    if (strcmp (name, "i386") == 0 || strcmp (name, "i686") == 0)
        arch = SCMP_ARCH_X86;
    else if (strcmp (name, "amd64") == 0)
        arch = SCMP_ARCH_X86_64;
    else if (strcmp (name, "arm64") == 0)
        arch = SCMP_ARCH_AARCH64;
    else
        arch = seccomp_arch_resolve_name (name);
    if (arch == 0)
        return fail (policy, error, "unknown architecture '%s'", name);
    policy->skip = seccomp_arch_exist (policy->filter, arch) != 0;
    return TRUE;
}

/* "denylist errno 1" */
static gboolean
kind_line (Policy *policy, char *line, GError **error)
{
    char *word = next_word (&line);

    policy->denylist = strcmp (word, "denylist") == 0 || strcmp (word, "blacklist") == 0;
    if (!policy->denylist && strcmp (word, "allowlist") != 0 && strcmp (word, "whitelist") != 0)
        return fail (policy, error, "'%s' is neither denylist nor allowlist", word);
    if (policy->denylist && policy->version == 1)
        return fail (policy, error, "version 1 has allowlists only");
    policy->otherwise = policy->denylist ? SCMP_ACT_ALLOW : SCMP_ACT_KILL;
    policy->action = policy->denylist ? SCMP_ACT_KILL : SCMP_ACT_ALLOW;
    if (!policy->denylist) {
        guint32 own = policy->action;

        /* of an allowlist the action is that of all others */
        policy->action = policy->otherwise;
        if (!parse_action (policy, &line, &policy->otherwise, error))
            return FALSE;
        policy->action = own;
    } else if (!parse_action (policy, &line, &policy->action, error)) {
        return FALSE;
    }
    policy->filter = seccomp_init (policy->otherwise);
    if (!policy->filter)
        return fail (policy, error, "libseccomp cannot make a filter");
    return TRUE;
}

/* A program of a 64-bit machine may be one of its 32-bit sibling. */
static void
add_architectures (const Policy *policy)
{
    static const struct {
        guint32 native, other;
    } rows[] = {
        { SCMP_ARCH_X86_64, SCMP_ARCH_X86 },     { SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
        { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },    { SCMP_ARCH_S390X, SCMP_ARCH_S390 },
        { SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS },    { SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        if (seccomp_arch_native () == rows[i].native)
            (void) seccomp_arch_add (policy->filter, rows[i].other);
}

static gboolean
policy_line (Policy *policy, char *line, GError **error)
{
    guint64 number;

    line[strcspn (line, "#")] = '\0';
    g_strstrip (line);
    if (!*line)
        return TRUE;
    if (policy->version == 0) {
        if (!parse_number (line, &number) || number < 1 || number > 2)
            return fail (policy, error, "the first line is the version, 1 or 2");
        policy->version = (guint) number;
        return TRUE;
    }
    if (!policy->filter) {
        if (!kind_line (policy, line, error))
            return FALSE;
        add_architectures (policy);
        return TRUE;
    }
    if (policy->version == 1)
        return number_line (policy, line, error);
    if (*line == '[')
        return section_line (policy, line, error);
    return rule_line (policy, line, error);
}

static GBytes *
export_filter (const Policy *policy, GError **error)
{
    autofd int fd = memfd_create ("seccomp", MFD_CLOEXEC);
    int result = fd < 0 ? -errno : seccomp_export_bpf (policy->filter, fd);
    off_t size = result < 0 ? -1 : lseek (fd, 0, SEEK_END);
    g_autofree void *data = NULL;

    if (result < 0 || size <= 0) {
        error_set_from (error, ORIGIN_SECURITY, ERR_CONFIG_UNSUPPORTED,
                        "%s: cannot compile the profile: %s", policy->what,
                        strerror (result < 0 ? -result : EINVAL));
        return NULL;
    }
    if (size > SECCOMP_POLICY_MAX) {
        error_set_from (error, ORIGIN_SECURITY, ERR_CONFIG_UNSUPPORTED,
                        "%s: the compiled profile is too long", policy->what);
        return NULL;
    }
    data = g_malloc ((gsize) size);
    if (pread (fd, data, (gsize) size, 0) != size) {
        error_set_errno (error, errno, "cannot read the compiled profile");
        return NULL;
    }
    return g_bytes_new_take (g_steal_pointer (&data), (gsize) size);
}

GBytes *
seccomp_compile (const char *text, const char *what, char **ret_unknown, GError **error)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
    g_autoptr (GString) unknown = g_string_new (NULL);
    Policy policy = { .what = what, .unknown = unknown };
    GBytes *program = NULL;
    gboolean good = TRUE;

    for (char **line = lines; good && *line; line++) {
        policy.line++;
        good = policy_line (&policy, *line, error);
    }
    if (good && !policy.filter)
        (void) fail (&policy, error, "the profile has no version and no kind");
    else if (good)
        program = export_filter (&policy, error);
    if (policy.filter)
        seccomp_release (policy.filter);
    if (program && ret_unknown)
        *ret_unknown = unknown->len ? g_strdup (unknown->str) : NULL;
    return program;
}

GBytes *
seccomp_compile_default (GError **error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static GBytes *compiled;
    autolock pthread_mutex_t *held = lock_take (&lock);

    if (!compiled)
        compiled = seccomp_compile (default_policy, "default seccomp profile", NULL, error);
    return compiled ? g_bytes_ref (compiled) : NULL;
}

const char *
seccomp_default_policy (void)
{
    return default_policy;
}
