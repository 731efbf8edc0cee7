/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/users.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "controller/path.h"

#define FILE_MAX (1U << 20)
#define FIELDS_MAX 8

/* A line of passwd or group cut at its colons, in place. Returns the number of fields. */
static unsigned
split_fields (char *line, char *fields[FIELDS_MAX])
{
    unsigned n = 0;

    while (n < FIELDS_MAX) {
        fields[n++] = line;
        line = strchr (line, ':');
        if (!line)
            break;
        *line++ = '\0';
    }
    return n;
}

static bool
parse_id (const char *text, uint32_t *id)
{
    char *end;
    unsigned long value;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    value = strtoul (text, &end, 10);
    /* the last number means "no change" to the kernel */
    if (*end || errno || value >= 0xffffffffUL)
        return false;
    *id = (uint32_t) value;
    return true;
}

static char *
next_line (char **rest)
{
    char *line = *rest, *end;

    if (!line || !*line)
        return NULL;
    end = strchr (line, '\n');
    if (end)
        *end = '\0';
    *rest = end ? end + 1 : NULL;
    return line;
}

/* libvirt's rule: "+1000" is a number, whatever names there are. */
static bool
is_number (const char **key)
{
    bool number = **key == '+';

    *key += number;
    return number;
}

/* The entry whose name is @key, unless @by_number alone, or whose number is when @key is a number. */
static bool
find_user (char *text, const char *key, bool number_only, char **ret_name, User *user)
{
    char *fields[FIELDS_MAX], *line;
    uint32_t number = 0, uid, gid;
    bool by_number = parse_id (key, &number);

    while ((line = next_line (&text))) {
        if (split_fields (line, fields) < 4 || !parse_id (fields[2], &uid)
            || !parse_id (fields[3], &gid))
            continue;
        if ((!number_only && strcmp (fields[0], key) == 0) || (by_number && uid == number)) {
            user->uid = uid;
            user->gid = gid;
            *ret_name = fields[0];
            return true;
        }
    }
    return false;
}

static bool
is_member (char *members, const char *name)
{
    size_t length = strlen (name);

    for (char *member = members; member; member = strchr (member, ',')) {
        member += *member == ',';
        if (strncmp (member, name, length) == 0
            && (member[length] == ',' || member[length] == '\0'))
            return true;
    }
    return false;
}

/* One pass over group: the number of @group ("" none), and the groups that list @name. */
static bool
read_groups (char *text, const char *group, const char *name, User *user)
{
    char *fields[FIELDS_MAX], *line;
    bool found = group[0] == '\0';
    uint32_t gid;

    while ((line = next_line (&text))) {
        if (split_fields (line, fields) < 4 || !parse_id (fields[2], &gid))
            continue;
        if (!found && strcmp (fields[0], group) == 0) {
            user->gid = gid;
            found = true;
        }
        if (name && is_member (fields[3], name) && user->n_groups < PLAN_GROUPS_MAX)
            user->groups[user->n_groups++] = gid;
    }
    return found;
}

/* A missing file is an empty one: a number then still works. */
static int
read_table (int root, const char *path, char *text)
{
    if (path_read (root, path, text, FILE_MAX) >= 0)
        return 0;
    text[0] = '\0';
    return errno == ENOENT ? 0 : -1;
}

/* @text holds the file, and afterwards the name at *ret_name, "" for a user without one. */
static int
lookup_user (int root, const char *user, char *text, const char **ret_name, User *ret, Failure *failure)
{
    const char *key = user;
    bool number_only = is_number (&key);
    char *name = NULL;
    uint32_t number;

    *ret_name = "";
    if (!user[0])
        return 0;
    if (read_table (root, "/etc/passwd", text) < 0)
        return failure_set (failure, STEP_USER, "/etc/passwd");
    if (find_user (text, key, number_only, &name, ret)) {
        *ret_name = name;
    } else if (parse_id (key, &number)) {
        ret->uid = ret->gid = number;
    } else {
        errno = ENOENT;
        return failure_set_detail (failure, STEP_USER, user, "not in the container's passwd");
    }
    return 0;
}

static int
lookup_groups (int root, const char *group, const char *name, char *text, User *ret, Failure *failure)
{
    const char *key = group;
    bool number_only = is_number (&key);
    uint32_t number;

    if (!group[0] && !name[0])
        return 0;
    if (read_table (root, "/etc/group", text) < 0)
        return failure_set (failure, STEP_USER, "/etc/group");
    if (read_groups (text, number_only ? "" : group, name[0] ? name : NULL, ret) && !number_only)
        return 0;
    if (parse_id (key, &number)) {
        ret->gid = number;
        return 0;
    }
    errno = ENOENT;
    return failure_set_detail (failure, STEP_USER, group, "not in the container's group file");
}

static int
lookup (int root, const char *user, const char *group, char *text, User *ret, Failure *failure)
{
    char name[256];
    const char *found;

    if (lookup_user (root, user, text, &found, ret, failure) < 0)
        return -1;
    /* a longer one is in no group: the next file takes the place of this */
    snprintf (name, sizeof name, "%s", strlen (found) < sizeof name ? found : "");
    return lookup_groups (root, group, name, text, ret, failure);
}

int
user_lookup (int root, const char *user, const char *group, User *ret_user, Failure *failure)
{
    char *text;
    int result;

    memset (ret_user, 0, sizeof *ret_user);
    if (!user[0] && !group[0])
        return 0;
    text = mmap (NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED)
        return failure_set (failure, STEP_USER, user);
    result = lookup (root, user, group, text, ret_user, failure);
    munmap (text, FILE_MAX);
    return result;
}
