/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "controller/path.h"
#include "util/fd.h"

#define LEVELS_MAX 4

#if defined (__x86_64__)
#define MACHINE EM_X86_64
#define MACHINE_SIBLING EM_386
#elif defined (__aarch64__)
#define MACHINE EM_AARCH64
#define MACHINE_SIBLING EM_ARM
#elif defined (__powerpc64__)
#define MACHINE EM_PPC64
#define MACHINE_SIBLING EM_PPC
#elif defined (__s390x__)
#define MACHINE EM_S390
#define MACHINE_SIBLING EM_S390
#elif defined (__riscv)
#define MACHINE EM_RISCV
#define MACHINE_SIBLING EM_RISCV
#elif defined (__i386__)
#define MACHINE EM_386
#define MACHINE_SIBLING EM_386
#elif defined (__arm__)
#define MACHINE EM_ARM
#define MACHINE_SIBLING EM_ARM
#else
#define MACHINE EM_NONE
#define MACHINE_SIBLING EM_NONE
#endif

typedef struct {
    unsigned machine;
    const char *name;
} MachineName;

static const MachineName machine_names[] = {
    { EM_X86_64, "x86_64" }, { EM_386, "i386" }, { EM_AARCH64, "aarch64" }, { EM_ARM, "arm" },
    { EM_PPC64, "ppc64" }, { EM_PPC, "ppc" }, { EM_S390, "s390x" }, { EM_RISCV, "riscv" },
    { EM_MIPS, "mips" }, { EM_68K, "m68k" }, { EM_SPARCV9, "sparc64" }, { 258, "loongarch" },
};

static const char *
machine_name (unsigned machine)
{
    for (size_t i = 0; i < sizeof machine_names / sizeof *machine_names; i++) {
        if (machine_names[i].machine == machine)
            return machine_names[i].name;
    }
    return "another machine";
}

/* The interpreter named after "#!", cut out of @text. */
static bool
script_interpreter (char *text, size_t size, char *interpreter, size_t room)
{
    size_t start = 2, length;

    while (start < size && (text[start] == ' ' || text[start] == '\t'))
        start++;
    length = strcspn (text + start, " \t\n\r");
    if (length == 0 || length >= room)
        return false;
    memcpy (interpreter, text + start, length);
    interpreter[length] = '\0';
    return true;
}

/* PT_INTERP of a 64-bit or 32-bit ELF of our own byte order; "" for a static program. */
static int
elf_interpreter (int fd, const char *head, char *interpreter, size_t room)
{
    bool wide = head[EI_CLASS] == ELFCLASS64;
    uint64_t table;
    unsigned count, size;

    if (wide) {
        Elf64_Ehdr h;

        memcpy (&h, head, sizeof h);
        table = h.e_phoff, count = h.e_phnum, size = h.e_phentsize;
    } else {
        Elf32_Ehdr h;

        memcpy (&h, head, sizeof h);
        table = h.e_phoff, count = h.e_phnum, size = h.e_phentsize;
    }
    for (unsigned i = 0; i < count && i < 64; i++) {
        uint64_t offset, length;
        uint32_t type;
        union { Elf64_Phdr wide; Elf32_Phdr narrow; } p;

        if (pread (fd, &p, sizeof p, (off_t) (table + (uint64_t) i * size))
            < (ssize_t) (wide ? sizeof p.wide : sizeof p.narrow))
            return -1;
        type = wide ? p.wide.p_type : p.narrow.p_type;
        offset = wide ? p.wide.p_offset : p.narrow.p_offset;
        length = wide ? p.wide.p_filesz : p.narrow.p_filesz;
        if (type != PT_INTERP)
            continue;
        if (length == 0 || length > room || pread (fd, interpreter, length, (off_t) offset)
            != (ssize_t) length)
            return -1;
        interpreter[length - 1] = '\0';
        return 0;
    }
    interpreter[0] = '\0';
    return 0;
}

static int
check_elf (int fd, const char *path, const char *head, char *interpreter, size_t room,
           Failure *failure)
{
    Elf32_Half machine;
    char detail[96];

    memcpy (&machine, head + offsetof (Elf64_Ehdr, e_machine), sizeof machine);
    if (MACHINE != EM_NONE && machine != MACHINE && machine != MACHINE_SIBLING) {
        snprintf (detail, sizeof detail, "built for %s, this host is %s", machine_name (machine),
                  machine_name (MACHINE));
        errno = ENOEXEC;
        return failure_set_detail (failure, STEP_EXEC, path, detail);
    }
    if (elf_interpreter (fd, head, interpreter, room) < 0) {
        errno = ENOEXEC;
        return failure_set_detail (failure, STEP_EXEC, path, "damaged program");
    }
    return 0;
}

static int
open_program (int root, const char *path, const char *needed_by, Failure *failure)
{
    char detail[256] = "";
    autofd int fd = path_open (root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, PATH_FOLLOW);
    struct statvfs vfs;
    struct stat st;

    if (needed_by)
        snprintf (detail, sizeof detail, "interpreter %.200s", path);
    if (fd < 0)
        return failure_set_detail (failure, STEP_EXEC, needed_by ? needed_by : path, detail);
    if (fstat (fd, &st) < 0 || fstatvfs (fd, &vfs) < 0)
        return failure_set_detail (failure, STEP_EXEC, needed_by ? needed_by : path, detail);
    errno = EACCES;
    if (!S_ISREG (st.st_mode))
        return failure_set_detail (failure, STEP_EXEC, path, "not a regular file");
    if (!(st.st_mode & 0111))
        return failure_set_detail (failure, STEP_EXEC, path, "not executable");
    if (vfs.f_flag & ST_NOEXEC)
        return failure_set_detail (failure, STEP_EXEC, path, "its file system is mounted noexec");
    return fd_steal (&fd);
}

int
program_check (int root, const char *path, Failure *failure)
{
    char current[512], head[512], interpreter[512];
    const char *needed_by = NULL;

    if (strlen (path) >= sizeof current) {
        errno = ENAMETOOLONG;
        return failure_set (failure, STEP_EXEC, path);
    }
    strcpy (current, path);
    for (int level = 0; level < LEVELS_MAX; level++) {
        autofd int fd = open_program (root, current, needed_by, failure);
        ssize_t n;

        if (fd < 0)
            return -1;
        memset (head, 0, sizeof head);
        n = pread (fd, head, sizeof head - 1, 0);
        interpreter[0] = '\0';
        if (n >= (ssize_t) sizeof (Elf64_Ehdr) && memcmp (head, ELFMAG, SELFMAG) == 0) {
            if (check_elf (fd, current, head, interpreter, sizeof interpreter, failure) < 0)
                return -1;
        } else if (n > 2 && head[0] == '#' && head[1] == '!') {
            if (!script_interpreter (head, (size_t) n, interpreter, sizeof interpreter)) {
                errno = ENOEXEC;
                return failure_set_detail (failure, STEP_EXEC, current, "bad #! line");
            }
        }
        /* neither: perhaps a format registered with binfmt_misc, execve() will tell */
        if (!interpreter[0])
            return 0;
        needed_by = path;
        strcpy (current, interpreter);
    }
    errno = ELOOP;
    return failure_set_detail (failure, STEP_EXEC, path, "too many interpreters");
}
