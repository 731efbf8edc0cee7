/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capability policies, the fields of audit records, the label table. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "security/audit.h"
#include "security/capset.h"
#include "security/categories.h"
#include "security/label_drivers.h"
#include "security/seccomp.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

enum { SYS_MODULE = 16, SYS_BOOT = 22, SYS_TIME = 25, MKNOD = 27, AUDIT_READ = 37 };

static guint64
bounding (guint policy, guint last, int on, int off)
{
    DomainFeatures features = { .caps_policy = policy };
    CapSet set;

    if (on >= 0)
        features.caps[on] = ON_OFF_ON;
    if (off >= 0)
        features.caps[off] = ON_OFF_OFF;
    capset_from_features (&features, last, &set);
    g_assert_cmphex (set.effective, ==, set.bounding);
    g_assert_cmphex (set.permitted, ==, set.bounding);
    g_assert_cmphex (set.inheritable, ==, 0);
    g_assert_cmphex (set.ambient, ==, 0);
    return set.bounding;
}

static void
test_capabilities (void)
{
    const guint64 normal = G_GUINT64_CONSTANT (0x1ddb5feffff);

    g_assert_cmphex (bounding (CAPS_DEFAULT, 40, -1, -1), ==, normal);
    g_assert_cmphex (bounding (CAPS_DEFAULT, 40, MKNOD, SYS_BOOT), ==,
                     (normal | 1 << MKNOD) & ~(guint64) (1 << SYS_BOOT));
    g_assert_cmphex (bounding (CAPS_ALLOW, 40, -1, -1), ==, G_GUINT64_CONSTANT (0x1ffffffffff));
    g_assert_cmphex (bounding (CAPS_ALLOW, 40, -1, SYS_TIME), ==, G_GUINT64_CONSTANT (0x1fffdffffff));
    g_assert_cmphex (bounding (CAPS_DENY, 40, -1, -1), ==, 0);
    g_assert_cmphex (bounding (CAPS_DENY, 40, SYS_TIME, -1), ==, 1 << SYS_TIME);
    /* what the kernel does not know is not asked of it */
    g_assert_cmphex (bounding (CAPS_ALLOW, 36, -1, -1), ==, G_GUINT64_CONSTANT (0x1fffffffff));
    g_assert_cmphex (bounding (CAPS_DENY, 36, AUDIT_READ, -1), ==, 0);
    g_assert_cmpuint (capset_kernel_last (), >=, 37);
}

static void
test_fields (void)
{
    static const struct { const char *value, *field; } cases[] = {
        { "web", "vm=\"web\"" }, { "a b", "vm=612062" }, { "a\"b", "vm=612262" }, { "a\nb", "vm=610A62" },
        { "\xc3\xa4", "vm=C3A4" }, { NULL, "vm=\"?\"" }, { "/srv/x", "vm=\"/srv/x\"" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *got = audit_field ("vm", cases[i].value);

        g_assert_cmpstr (got, ==, cases[i].field);
    }
}

static DomainDef *
sample (void)
{
    static const char xml[] =
        "<domain type='lxc'><name>bb 1</name><uuid>3a1f0c52-7d51-4a0e-9b0e-0123456789ab</uuid>"
        "<memory>131072</memory><os><type>exe</type><init>/init</init></os><devices>"
        "<filesystem type='mount'><source dir='/srv/a b'/><target dir='/'/></filesystem>"
        "<filesystem type='ram'><source usage='1024'/><target dir='/t'/></filesystem>"
        "<interface type='bridge'><mac address='52:54:00:11:22:33'/><source bridge='br0'/></interface>"
        "<hostdev mode='capabilities' type='misc'><source><char>/dev/net/tun</char></source></hostdev>"
        "<console type='pty'/></devices></domain>";
    DomainDefaults defaults = { .arch = "x86_64", .emulator = "/e", .label_model = "none" };
    g_autoptr (GError) error = NULL;
    DomainDef *def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);

    g_assert_no_error (error);
    return def;
}

/* Every record, through the log: the texts of facts/driver/controller.md section 16. */
static void
test_records (void)
{
    static const char *const expected[] = {
        "success=yes virt=lxc resrc=fs reason=start vm=62622031 uuid=U old-fs=\"?\" new-fs=2F7372762F612062",
        "success=yes virt=lxc resrc=net reason=start vm=62622031 uuid=U old-net=\"?\" new-net=\"52:54:00:11:22:33\"",
        "success=yes virt=lxc resrc=hostdev reason=start vm=62622031 uuid=U chardev=\"/dev/net/tun\"",
        "success=yes virt=lxc resrc=chardev reason=start vm=62622031 uuid=U old-chardev=\"?\" new-chardev=\"?\"",
        "success=yes virt=lxc resrc=mem reason=start vm=62622031 uuid=U old-mem=0 new-mem=131072",
        "success=yes virt=lxc resrc=vcpu reason=start vm=62622031 uuid=U old-vcpu=0 new-vcpu=1",
        "success=no virt=lxc op=start reason=booted vm=62622031 uuid=U vm-pid=0",
        "success=yes virt=lxc op=init vm=62622031 uuid=U vm-pid=280 init-pid=282 pid-ns=4026532234",
        "success=yes virt=lxc op=stop reason=destroyed vm=62622031 uuid=U vm-pid=0",
        "success=yes virt=lxc vm=62622031 uuid=U vm-ctx=system_u:r:t:s0 img-ctx=? model=selinux",
        "success=yes virt=lxc resrc=dev reason=attach vm=62622031 uuid=U bus=usb device=\"001.002\"",
        "success=no virt=lxc resrc=net reason=detach vm=62622031 uuid=U old-net=\"52:54:00:11:22:44\" new-net=\"?\"",
    };
    g_autofree char *dir = g_dir_make_tmp ("skep-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (dir, "log", NULL), *text = NULL;
    g_autoptr (DomainDef) def = sample ();
    g_auto (GStrv) lines = NULL;
    SeclabelDef *label = g_new0 (SeclabelDef, 1);
    guint n = 0;

    label->model = g_strdup ("selinux");
    label->label = g_strdup ("system_u:r:t:s0");
    label->imagelabel = g_strdup ("x vm=\"forged\"");
    g_assert_true (log_open (LOG_TO_FILE, path, LOG_ERROR_LEVEL, NULL));
    g_assert_true (audit_trail_open (AUDIT_OFF, TRUE, NULL));
    audit_start_resources (def);
    audit_start (def, "booted", 0, FALSE);
    audit_init (def, 280, 282, 4026532234u);
    audit_stop (def, "destroyed");
    g_ptr_array_set_size (def->seclabels, 0);
    g_ptr_array_add (def->seclabels, label);
    audit_labels (def, TRUE);
    audit_hostdev (def, "usb", "001.002", "attach", TRUE);
    audit_resource (def, "net", "detach", "52:54:00:11:22:44", NULL, FALSE);
    audit_trail_open (AUDIT_OFF, FALSE, NULL);
    audit_stop (def, "not this");
    audit_trail_close ();
    log_open (LOG_TO_STDERR, NULL, LOG_WARNING_LEVEL, NULL);
    text = file_read (path, 100000, NULL, NULL);
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i] && *lines[i]; i++, n++) {
        g_auto (GStrv) parts = g_strsplit (lines[i], "3a1f0c52-7d51-4a0e-9b0e-0123456789ab", -1);
        g_autofree char *line = g_strjoinv ("U", parts);

        g_assert_cmpuint (n, <, G_N_ELEMENTS (expected));
        g_assert_cmpstr (strstr (line, "success="), ==, expected[n]);
    }
    g_assert_cmpuint (n, ==, G_N_ELEMENTS (expected));
    g_unlink (path);
    g_rmdir (dir);
}

static void
test_labels (void)
{
    g_autoptr (GError) error = NULL;
    const LabelDriver *driver = label_driver_open ("none", &error);
    SeclabelDef label = { .type = SECLABEL_DYNAMIC };
    gboolean enforcing;
    g_autofree char *text = NULL;

    g_assert_no_error (error);
    g_assert_cmpstr (driver->model, ==, "none");
    g_assert_cmpstr (driver->doi, ==, "0");
    g_assert_true (driver->generate (NULL, &label, &error));
    g_assert_true (driver->process_label (1, &text, &enforcing, &error));
    g_assert_cmpstr (text, ==, "");
    label.model = (char *) "smack";
    g_assert_false (driver->generate (NULL, &label, &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONFIG_UNSUPPORTED);
    g_clear_error (&error);
    g_assert_null (label_driver_open ("smack", &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONFIG_UNSUPPORTED);
    g_clear_error (&error);
    g_assert_nonnull (label_driver_open (NULL, NULL));
}

static SeclabelDef *
generate (const LabelDriver *driver, guint type, const char *text)
{
    SeclabelDef *label = g_new0 (SeclabelDef, 1);
    g_autoptr (GError) error = NULL;

    label->type = type;
    label->label = g_strdup (text);
    g_assert_true (driver->generate (NULL, label, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (label->model, ==, "selinux");
    return label;
}

static void
label_free (SeclabelDef *label)
{
    g_free (label->model);
    g_free (label->label);
    g_free (label->imagelabel);
    g_free (label->baselabel);
    g_free (label);
}

/* ---- categories: no two containers share theirs (attack A39) */

static void
test_category_ranges (void)
{
    static const struct {
        const char *range, *sensitivity;
        guint first, last;
    } rows[] = {
        { "s0", "s0", 0, 1023 },          { "s0-s0:c0.c1023", "s0", 0, 1023 }, { "s0:c5.c60", "s0", 5, 60 },
        { "s1-s3:c7", "s1", 7, 7 },       { "s0-s15:c0.c1023", "s0", 0, 1023 },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *sensitivity = NULL;
        guint first, last;

        categories_parse_range (rows[i].range, &sensitivity, &first, &last);
        g_assert_cmpstr (sensitivity, ==, rows[i].sensitivity);
        g_assert_cmpuint (first, ==, rows[i].first);
        g_assert_cmpuint (last, ==, rows[i].last);
    }
}

static void
expect_category_error (guint first, guint last, const char *text)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (categories_choose (first, last, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    g_assert_cmpstr (error->message, ==, text);
}

/* All there are, one by one: each once, each in rising order and within; then none. */
static void
test_category_clash (void)
{
    enum { FIRST = 20, LAST = 27, PAIRS = 28 };
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *again = NULL;

    categories_take ("c21,c25");        /* of one that was re-adopted */
    for (guint i = 1; i < PAIRS; i++) {
        g_autofree char *pair = categories_choose (FIRST, LAST, NULL);
        guint low, high;

        g_assert_nonnull (pair);
        g_assert_cmpint (sscanf (pair, "c%u,c%u", &low, &high), ==, 2);
        g_assert_cmpuint (low, >=, FIRST);
        g_assert_cmpuint (low, <, high);
        g_assert_cmpuint (high, <=, LAST);
        g_assert_cmpstr (pair, !=, "c21,c25");
        g_assert_true (g_hash_table_add (seen, g_steal_pointer (&pair)));
    }
    expect_category_error (FIRST, LAST, "no free pair of categories between c20 and c27");
    /* two have it: the end of one frees nothing */
    categories_take ("c22,c23");
    categories_give_back ("c22,c23");
    expect_category_error (FIRST, LAST, "no free pair of categories between c20 and c27");
    categories_give_back ("c22,c23");
    again = categories_choose (FIRST, LAST, NULL);
    g_assert_cmpstr (again, ==, "c22,c23");
    categories_give_back ("c600,c601");     /* nobody's */
    expect_category_error (20, 26, "Category range c20-c26 too small");
    expect_category_error (9, 3, "Category range c9-c3 too small");
}

/* Where nearly all are taken, those that are left are found, each of them sooner or later. */
static void
test_category_few (void)
{
    enum { FIRST = 60, LAST = 200 };
    static const char *const left[] = { "c60,c61", "c60,c200", "c63,c64", "c127,c128", "c199,c200" };
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

    for (guint low = FIRST; low < LAST; low++)
        for (guint high = low + 1; high <= LAST; high++) {
            g_autofree char *pair = g_strdup_printf ("c%u,c%u", low, high);

            categories_take (pair);
        }
    for (guint i = 0; i < G_N_ELEMENTS (left); i++)
        categories_give_back (left[i]);
    for (guint i = 0; i < 1000; i++) {
        char *pair = categories_choose (FIRST, LAST, NULL);

        categories_give_back (pair);
        g_hash_table_add (seen, pair);
    }
    g_assert_cmpuint (g_hash_table_size (seen), ==, G_N_ELEMENTS (left));
    for (guint i = 0; i < G_N_ELEMENTS (left); i++)
        g_assert_true (g_hash_table_contains (seen, left[i]));
    categories_take ("s0");             /* no pair: nobody is given it */
    categories_take ("c61,c60");
    categories_take ("c61,c1024");
}

/* Where SELinux is on (tests/vm): labels that differ, are valid, and come free again. */
static void
test_selinux (void)
{
    const LabelDriver *driver = label_driver_open ("selinux", NULL);
    SeclabelDef bad = { .type = SECLABEL_STATIC, .label = (char *) "no:such:label" };
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr (GError) error = NULL;
    g_autofree char *own = NULL;
    gboolean enforcing = FALSE;
    SeclabelDef *label;

    if (!driver) {
        g_test_skip ("no SELinux");
        return;
    }
    g_assert_nonnull (strstr (driver->base_label (), ":container_t:"));
    for (guint i = 0; i < 200; i++) {
        label = generate (driver, SECLABEL_DYNAMIC, NULL);
        g_assert_true (g_hash_table_add (seen, g_strdup (label->label)));
        g_assert_nonnull (strstr (label->label, ":container_t:s0:c"));
        g_assert_nonnull (strstr (label->imagelabel, ":container_file_t:s0:c"));
        g_assert_cmpstr (strstr (label->label, ":s0:"), ==, strstr (label->imagelabel, ":s0:"));
        g_assert_true (g_str_has_prefix (driver->mount_options (label), "context=\""));
        g_assert_false (driver->generate (NULL, label, NULL));      /* has one already */
        if (i == 0)
            g_test_message ("%s %s", label->label, driver->mount_options (label));
        driver->release (label);
        driver->reserve (label);
        label_free (label);
    }
    label = generate (driver, SECLABEL_STATIC, "system_u:system_r:container_t:s0:c1,c2");
    g_assert_cmpstr (label->imagelabel, ==, "system_u:object_r:container_file_t:s0:c1,c2");
    label_free (label);
    label = generate (driver, SECLABEL_NONE, NULL);
    g_assert_null (label->label);
    g_assert_true (g_str_has_suffix (label->imagelabel, ":object_r:container_file_t:s0"));
    label_free (label);
    g_assert_false (driver->generate (NULL, &bad, &error));
    g_assert_error (error, SKEP_ERROR, ERR_XML);
    g_free (bad.model);
    g_assert_true (driver->process_label (getpid (), &own, &enforcing, NULL));
    g_assert_true (enforcing);
}

/* Where audit is on (tests/vm) the record is read back by ausearch, outside. */
static void
test_audit_for_real (void)
{
    g_autoptr (DomainDef) def = NULL;

    if (geteuid () != 0 || !audit_trail_open (AUDIT_REQUIRED, FALSE, NULL)) {
        g_test_skip ("no audit, or off");
        return;
    }
    def = sample ();
    audit_start_resources (def);
    audit_start (def, "booted", 280, TRUE);
    audit_init (def, 280, 282, 4026532234u);
    audit_stop (def, "shutdown");
    audit_trail_close ();
}

#ifdef WITH_APPARMOR
/* What the driver decides without a kernel that has AppArmor; tests/vm has the rest. */
static void
test_apparmor_labels (void)
{
    const char *name = "libvirt-3a1f0c52-7d51-4a0e-9b0e-0123456789ab";
    g_autoptr (DomainDef) def = sample ();
    SeclabelDef label = { .type = SECLABEL_DYNAMIC };
    g_autoptr (GError) error = NULL;

    g_assert_true (label_driver_apparmor.generate (def, &label, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (label.model, ==, "apparmor");
    g_assert_cmpstr (label.label, ==, name);
    g_assert_cmpstr (label.imagelabel, ==, name);
    g_assert_false (label_driver_apparmor.generate (def, &label, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    g_assert_cmpstr (error->message, ==, "security label already defined for VM");
    g_clear_error (&error);
    g_clear_pointer (&label.label, g_free);
    label.baselabel = g_strdup ("other");
    g_assert_false (label_driver_apparmor.generate (def, &label, &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpstr (error->message, ==, "Cannot set a base label with AppArmor");
    g_assert_null (label.label);
    g_clear_pointer (&label.baselabel, g_free);
    label.type = SECLABEL_NONE;
    g_assert_true (label_driver_apparmor.generate (def, &label, NULL));
    g_assert_null (label.label);
    g_free (label.model);
    g_free (label.imagelabel);
}
#endif

/* ---- seccomp */

/* How many instructions; 0 with @error. */
static gsize
compiled (const char *policy, GError **error)
{
    g_autoptr (GBytes) program = seccomp_compile (policy, "test", NULL, error);

    g_assert_true (!program || g_bytes_get_size (program) % 8 == 0);
    return program ? g_bytes_get_size (program) / 8 : 0;
}

static void
test_seccomp_accepted (void)
{
    static const char *const policies[] = {
        "2\ndenylist\n",
        "2\nblacklist errno 13\n[all]\nkexec_load\n",
        "2\nallowlist\nread\nwrite allow\nexit_group\n",
        "2\nwhitelist errno 1\n[x86_64]\nread\n[aarch64]\nread\n[all]\nwrite\n",
        "# a comment\n\n2\n  denylist  # and one\nmount errno 0x10 # third\n",
        "2\ndenylist\nreject_force_umount\n",
        "2\ndenylist\nno_such_system_call errno 1\n",
        "2\ndenylist\nioctl errno 1 [1,0x5401,SCMP_CMP_EQ]\n",
        "2\ndenylist\nclone errno 38 [0,0x10000000,SCMP_CMP_MASKED_EQ,0x10000000],[1,0,SCMP_CMP_EQ]\n",
        "2\ndenylist\nioctl [1,0x5401,==]\nread trap\nwrite log\nclose kill\nopen allow\n",
        "1\nwhitelist\n0\n1\n60\n231\n",
    };
    g_autoptr (GError) error = NULL;

    for (guint i = 0; i < G_N_ELEMENTS (policies); i++) {
        g_assert_cmpuint (compiled (policies[i], &error), >, 0);
        g_assert_no_error (error);
    }
    /* a rule is more than none */
    g_assert_cmpuint (compiled ("2\ndenylist\nmount errno 1\n", NULL), >, compiled ("2\ndenylist\n", NULL));
}

/* Passed over, but not without a word; of the section of another machine nothing is said. */
static void
test_seccomp_unknown (void)
{
    static const char policy[] = "2\ndenylist\nnever_a_call errno 1\nmount errno 1\n[mips]\nnor_this\n"
                                 "[all]\nnor_that\n";
    g_autofree char *unknown = NULL, *none = NULL;
    g_autoptr (GBytes) program = seccomp_compile (policy, "test", &unknown, NULL), all = NULL;

    g_assert_nonnull (program);
    g_assert_cmpstr (unknown, ==, "3: never_a_call, 8: nor_that");
    all = seccomp_compile ("2\ndenylist\nmount errno 1\n", "test", &none, NULL);
    g_assert_nonnull (all);
    g_assert_null (none);
}

static void
test_seccomp_refused (void)
{
    static const struct { const char *policy, *text; } cases[] = {
        { "", "test:0: the profile has no version and no kind" },
        { "2\n", "test:2: the profile has no version and no kind" },
        { "three\n", "test:1: the first line is the version, 1 or 2" },
        { "3\n", "test:1: the first line is the version, 1 or 2" },
        { "2\ngreylist\n", "test:2: 'greylist' is neither denylist nor allowlist" },
        { "1\nblacklist\n", "test:2: version 1 has allowlists only" },
        { "1\nwhitelist\nread\n", "test:3: 'read' is not the number of a system call" },
        { "2\ndenylist sing\n", "test:2: action 'sing' is not supported" },
        { "2\ndenylist\nread errno\n", "test:3: errno needs a number up to 4095" },
        { "2\ndenylist\nread errno 5000\n", "test:3: errno needs a number up to 4095" },
        { "2\ndenylist\nread notify\n", "test:3: action 'notify' is not supported" },
        { "2\ndenylist\n[all\n", "test:3: ']' is missing" },
        { "2\ndenylist\n[vax]\n", "test:3: unknown architecture 'vax'" },
        { "2\ndenylist\nread errno 1 [0,1]\n", "test:3: an argument is [INDEX,VALUE,OPERATOR] or [..., MASK]" },
        { "2\ndenylist\nread errno 1 [6,1,==]\n", "test:3: bad number in the argument '6,1,=='" },
        { "2\ndenylist\nread errno 1 [0,1,~]\n", "test:3: unknown operator '~'" },
        { "2\ndenylist\nread errno 1 0,1\n", "test:3: bad arguments '0,1'" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;

        g_assert_cmpuint (compiled (cases[i].policy, &error), ==, 0);
        g_assert_error (error, SKEP_ERROR, ERR_CONFIG_UNSUPPORTED);
        g_assert_cmpstr (error->message, ==, cases[i].text);
    }
}

/* The default is compiled once, and every call that the documents name is in it. */
static void
test_seccomp_default (void)
{
    static const char *const calls[] = { "kexec_load", "kexec_file_load", "open_by_handle_at", "init_module",
                                         "finit_module", "delete_module", "swapon", "swapoff",
                                         "reject_force_umount", "io_uring_setup", "userfaultfd" };
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) one = seccomp_compile_default (&error), two = seccomp_compile_default (&error);

    g_assert_no_error (error);
    g_assert_true (one == two);
    for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
        g_assert_nonnull (strstr (seccomp_default_policy (), calls[i]));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/capset/policies", test_capabilities);
    g_test_add_func ("/audit/fields", test_fields);
    g_test_add_func ("/audit/records", test_records);
    g_test_add_func ("/audit/for-real", test_audit_for_real);
    g_test_add_func ("/label/table", test_labels);
    g_test_add_func ("/label/category-ranges", test_category_ranges);
    g_test_add_func ("/label/category-few", test_category_few);
    g_test_add_func ("/label/category-clash", test_category_clash);
    g_test_add_func ("/label/selinux", test_selinux);
#ifdef WITH_APPARMOR
    g_test_add_func ("/label/apparmor", test_apparmor_labels);
#endif
    g_test_add_func ("/security/seccomp/accepted", test_seccomp_accepted);
    g_test_add_func ("/security/seccomp/unknown", test_seccomp_unknown);
    g_test_add_func ("/security/seccomp/refused", test_seccomp_refused);
    g_test_add_func ("/security/seccomp/default", test_seccomp_default);
    return g_test_run ();
}
