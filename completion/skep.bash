# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of skep for bash. All knowledge is in skep's own table of verbs: "skep complete" prints the
# candidates for the word under the cursor, one a line.

_skep ()
{
    local line=${COMP_LINE:0:COMP_POINT} word cut

    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete --line "$line" 2>/dev/null)
    # bash splits words at : and = too, and wants the part behind the last of them only.
    word=${line##*[[:space:]]}
    cut=${word%"${word##*[:=]}"}
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _skep skep
