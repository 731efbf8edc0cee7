/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the look at init before a start says of programs, scripts and files made to hurt. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/plan_facts.h"
#include "util/error.h"
#include "util/fd.h"

#if defined __x86_64__
#define OWN EM_X86_64
#elif defined __aarch64__
#define OWN EM_AARCH64
#else
#define OWN EM_NONE
#endif

typedef struct {
    char *dir;
    int root;
} Root;

static void
root_set_up (Root *root, gconstpointer data)
{
    (void) data;
    root->dir = g_dir_make_tmp ("plan-init-XXXXXX", NULL);
    g_assert_nonnull (root->dir);
    root->root = open (root->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint (root->root, >=, 0);
}

static void
root_tear_down (Root *root, gconstpointer data)
{
    g_autoptr (GDir) dir = g_dir_open (root->dir, 0, NULL);
    const char *name;

    (void) data;
    while ((name = g_dir_read_name (dir)))
        g_assert_cmpint (unlinkat (root->root, name, 0), ==, 0);
    close (root->root);
    g_assert_cmpint (g_rmdir (root->dir), ==, 0);
    g_free (root->dir);
}

static void
put (const Root *root, const char *name, gconstpointer data, gsize size, int mode)
{
    g_autofree char *path = g_build_filename (root->dir, name, NULL);

    g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
    g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

static void
put_text (const Root *root, const char *name, const char *text)
{
    put (root, name, text, strlen (text), 0755);
}

static void
accepted (const Root *root, const char *init)
{
    g_autoptr (GError) error = NULL;

    g_assert_true (plan_check_init (root->root, init, &error));
    g_assert_no_error (error);
}

static void
refused (const Root *root, const char *init, int number, const char *text)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (plan_check_init (root->root, init, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_assert_cmpint (error_errno (error), ==, number);
    g_assert_nonnull (strstr (error->message, text));
}

/* An ELF file with one program header, of PT_INTERP, and the interpreter's name. */
typedef struct {
    Elf64_Ehdr head;
    Elf64_Phdr interp;
    char name[32];
} Program;

static Program
program_new (const char *interpreter)
{
    Program p = {
        .head = {
            .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                         G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT },
            .e_type = ET_EXEC, .e_machine = OWN, .e_phoff = G_STRUCT_OFFSET (Program, interp),
            .e_phnum = 1, .e_phentsize = sizeof (Elf64_Phdr),
        },
        .interp = { .p_type = PT_INTERP, .p_offset = G_STRUCT_OFFSET (Program, name),
                    .p_filesz = strlen (interpreter) + 1 },
    };

    g_strlcpy (p.name, interpreter, sizeof p.name);
    return p;
}

static void
test_programs (Root *root, gconstpointer data)
{
    Program p = program_new ("/ld.so");

    (void) data;
    refused (root, "/init", ENOENT, "cannot find init path '/init' relative to container root");
    put (root, "init", &p, sizeof p, 0644);
    refused (root, "/init", EACCES, "init '/init' is not executable");
    put (root, "init", &p, sizeof p, 0755);
    refused (root, "/init", ENOENT, "init '/init' cannot be executed: its interpreter '/ld.so'");
    p.head.e_phnum = 0;
    put (root, "ld.so", &p, sizeof p, 0755);
    accepted (root, "/init");
    put_text (root, "script", "#!/init\nexit\n");
    accepted (root, "/script");
    put_text (root, "script", "#! /absent -x\n");
    refused (root, "/script", ENOENT, "its interpreter '/absent'");
}

/* What a root may hold to lead the look astray: no wait, no read outside of the head. */
static void
test_hostile (Root *root, gconstpointer data)
{
    g_autofree char *fifo = g_build_filename (root->dir, "fifo", NULL);
    g_autofree char *out = g_build_filename (root->dir, "out", NULL);
    Program p = program_new ("/ld.so");

    (void) data;
    g_assert_cmpint (mkfifo (fifo, 0755), ==, 0);
    refused (root, "/fifo", EACCES, "init '/fifo' is not a regular file");
    g_assert_cmpint (symlink ("/bin/sh", out), ==, 0);      /* the host's; not in this root */
    refused (root, "/out", ENOENT, "cannot find init path '/out'");
    put (root, "init", &p, sizeof p.head - 1, 0755);
    refused (root, "/init", ENOEXEC, "init '/init' is cut off");
    /* a table that begins before the file, by way of the end of the numbers */
    for (guint64 before = 1; before <= sizeof (Elf64_Phdr); before++) {
        p.head.e_phoff = -before;
        p.head.e_phnum = 0xffff;
        put (root, "init", &p, sizeof p, 0755);
        accepted (root, "/init");
    }
    p.head.e_phoff = G_STRUCT_OFFSET (Program, interp);
    p.head.e_phnum = 1;
    p.interp.p_offset = G_MAXUINT64;
    put (root, "init", &p, sizeof p, 0755);
    accepted (root, "/init");
    p.interp.p_filesz = G_MAXUINT64;
    put (root, "init", &p, sizeof p, 0755);
    accepted (root, "/init");
    put_text (root, "loop", "#!/loop\n");
    accepted (root, "/loop");       /* the kernel's to refuse: ELOOP */
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    if (OWN == EM_NONE) {
        g_print ("1..0 # SKIP programs of another machine\n");
        return 0;
    }
    g_test_add ("/plan-init/programs", Root, NULL, root_set_up, test_programs, root_tear_down);
    g_test_add ("/plan-init/hostile", Root, NULL, root_set_up, test_hostile, root_tear_down);
    return g_test_run ();
}
