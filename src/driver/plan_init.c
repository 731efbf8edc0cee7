/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would the kernel execute this init? Looked at before anything is made, because execve(2) has one
 * word, ENOENT, for four mistakes. Nothing of the container is executed or trusted: every path
 * stays in the root, every read is bounded.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/plan_facts.h"
#include "util/error.h"
#include "util/fd.h"

#define HEAD_MAX 4096
#define INTERPRETER_DEPTH 4     /* the kernel's own limit of scripts that are run by scripts */

#if defined __x86_64__
enum { OWN_MACHINE = EM_X86_64, OWN_MACHINE32 = EM_386 };
#elif defined __aarch64__
enum { OWN_MACHINE = EM_AARCH64, OWN_MACHINE32 = EM_ARM };
#elif defined __i386__
enum { OWN_MACHINE = EM_386, OWN_MACHINE32 = EM_386 };
#elif defined __arm__
enum { OWN_MACHINE = EM_ARM, OWN_MACHINE32 = EM_ARM };
#elif defined __riscv
enum { OWN_MACHINE = EM_RISCV, OWN_MACHINE32 = EM_RISCV };
#elif defined __powerpc64__
enum { OWN_MACHINE = EM_PPC64, OWN_MACHINE32 = EM_PPC };
#elif defined __s390x__
enum { OWN_MACHINE = EM_S390, OWN_MACHINE32 = EM_S390 };
#else
enum { OWN_MACHINE = EM_NONE, OWN_MACHINE32 = EM_NONE };
#endif

static const struct { guint machine; const char *name; } machines[] = {
    { EM_386, "i386" }, { EM_X86_64, "x86_64" }, { EM_ARM, "arm" }, { EM_AARCH64, "aarch64" },
    { EM_PPC, "ppc" }, { EM_PPC64, "ppc64" }, { EM_S390, "s390x" }, { EM_RISCV, "riscv" },
    { EM_MIPS, "mips" }, { EM_SPARCV9, "sparc64" }, { EM_LOONGARCH, "loongarch" },
};

static const char *
machine_name (guint machine)
{
    for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
        if (machines[i].machine == machine)
            return machines[i].name;
    return "another machine";
}

/* Emulators registered with binfmt_misc may run what the processor cannot. */
static gboolean
emulators_registered (void)
{
    g_autoptr (GDir) dir = g_dir_open ("/proc/sys/fs/binfmt_misc", 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name (dir)))
        if (!g_str_equal (name, "register") && !g_str_equal (name, "status"))
            return TRUE;
    return FALSE;
}

static gboolean check_program (int root, const char *path, guint depth, GError **error);

static gboolean
check_interpreter (int root, const char *path, const char *interpreter, guint depth, GError **error)
{
    g_autoptr (GError) why = NULL;

    if (interpreter[0] != '/' || depth >= INTERPRETER_DEPTH)
        return TRUE;        /* relative to a directory we do not know, or for the kernel to refuse */
    if (check_program (root, interpreter, depth + 1, &why))
        return TRUE;
    return error_set_errno (error, error_errno (why) ? error_errno (why) : ENOEXEC,
                            "init '%s' cannot be executed: its interpreter '%s'", path, interpreter);
}

static gboolean
check_script (int root, const char *path, const char *head, gsize size, guint depth, GError **error)
{
    g_autofree char *line = g_strndup (head + 2, strnlen (head + 2, size - 2));

    line[strcspn (line, "\n")] = '\0';
    g_strchug (line);
    line[strcspn (line, " \t")] = '\0';
    return check_interpreter (root, path, line, depth, error);
}

/* PT_INTERP of an ELF file; NULL when it has none or is not read as easily. */
static char *
elf_interpreter (int fd, const char *head, gsize size, gboolean wide)
{
    guint64 at, offset = 0, length = 0;
    guint n, entry;

    if (wide) {
        const Elf64_Ehdr *elf = (const Elf64_Ehdr *) (const void *) head;

        at = elf->e_phoff, n = elf->e_phnum, entry = elf->e_phentsize;
    } else {
        const Elf32_Ehdr *elf = (const Elf32_Ehdr *) (const void *) head;

        at = elf->e_phoff, n = elf->e_phnum, entry = elf->e_phentsize;
    }
    if (entry != (wide ? sizeof (Elf64_Phdr) : sizeof (Elf32_Phdr)))
        return NULL;
    for (guint i = 0; i < n && at <= size && (guint64) (i + 1) * entry <= size - at; i++) {
        const char *p = head + at + (gsize) i * entry;
        Elf64_Phdr p64;
        Elf32_Phdr p32;

        if (wide) {
            memcpy (&p64, p, sizeof p64);
            if (p64.p_type == PT_INTERP)
                offset = p64.p_offset, length = p64.p_filesz;
        } else {
            memcpy (&p32, p, sizeof p32);
            if (p32.p_type == PT_INTERP)
                offset = p32.p_offset, length = p32.p_filesz;
        }
    }
    if (length < 2 || length > 1024) {
        return NULL;
    } else {
        g_autofree char *text = g_malloc0 (length + 1);

        if (pread (fd, text, length, (off_t) offset) != (ssize_t) length)
            return NULL;
        return g_steal_pointer (&text);
    }
}

static gboolean
check_elf (int root, int fd, const char *path, const char *head, gsize size, guint depth,
           GError **error)
{
    const Elf32_Ehdr *elf = (const Elf32_Ehdr *) (const void *) head;     /* same up to e_machine */
    gboolean wide = head[EI_CLASS] == ELFCLASS64;
    g_autofree char *interpreter = NULL;

    if (size < (wide ? sizeof (Elf64_Ehdr) : sizeof (Elf32_Ehdr)))
        return error_set_errno (error, ENOEXEC, "init '%s' is cut off", path);
    if (head[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB))
        return emulators_registered ()
               || error_set_errno (error, ENOEXEC, "init '%s' is for a machine of the other byte order",
                                   path);
    if (elf->e_machine != OWN_MACHINE && elf->e_machine != OWN_MACHINE32 && !emulators_registered ())
        return error_set_errno (error, ENOEXEC, "init '%s' is built for %s, this host is %s", path,
                                machine_name (elf->e_machine), machine_name (OWN_MACHINE));
    if (elf->e_machine != OWN_MACHINE && elf->e_machine != OWN_MACHINE32)
        return TRUE;
    interpreter = elf_interpreter (fd, head, size, wide);
    return !interpreter || check_interpreter (root, path, interpreter, depth, error);
}

static gboolean
check_program (int root, const char *path, guint depth, GError **error)
{
    _Alignas (16) char head[HEAD_MAX];
    autofd int fd = -1;
    struct stat st;
    ssize_t n;

    /* first without reading: it may be a fifo or a device */
    fd = fd_open_in_root (root, path, O_PATH);
    if (fd < 0 || fstat (fd, &st) < 0)
        return error_set_errno (error, errno, "cannot find init path '%s' relative to container root",
                                path);
    if (!S_ISREG (st.st_mode))
        return error_set_errno (error, EACCES, "init '%s' is not a regular file", path);
    if (!(st.st_mode & 0111))
        return error_set_errno (error, EACCES, "init '%s' is not executable", path);
    close (fd);
    fd = fd_open_in_root (root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    n = fd < 0 ? -1 : fd_read_all (fd, head, sizeof head);
    if (n < 0)
        return error_set_errno (error, errno, "cannot read init '%s'", path);
    if (n >= EI_NIDENT && memcmp (head, ELFMAG, SELFMAG) == 0)
        return check_elf (root, fd, path, head, (gsize) n, depth, error);
    if (n > 2 && head[0] == '#' && head[1] == '!')
        return check_script (root, path, head, (gsize) n, depth, error);
    if (emulators_registered ())
        return TRUE;
    return error_set_errno (error, ENOEXEC, "init '%s' is neither a program nor a script", path);
}

gboolean
plan_check_init (int root, const char *init, GError **error)
{
    return check_program (root, init, 0, error);
}
