# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Skep can do beyond libvirt, for programs in Python.

Everything that libvirt has is done with its own binding, python3-libvirt, which works with Skep unchanged. Skep's
own calls go over a program of the wire that libvirt's library does not carry, so this module makes them through
libskep. It takes libvirt's objects as they are:

    import libvirt, skep
    domain = libvirt.open("lxc:///system").lookupByName("web")
    print(skep.plan(domain))

Functions raise skep.Error, which has libvirt's error number in .code. A connection per URI is kept; the module is
not for use by several threads at a time.
"""

import collections
import ctypes
import os

__all__ = ["Error", "Limit", "Note", "plan", "limits", "last_exit", "notes", "from_native", "to_native"]

Limit = collections.namedtuple("Limit", "name wanted effective")
Note = collections.namedtuple("Note", "file line key reason")


class Error(Exception):
    """code and domain are libvirt's numbers (virErrorNumber, virErrorDomain)."""

    def __init__(self, code, domain, message):
        super().__init__(message)
        self.code, self.domain = code, domain


# ---- libskep ----

class _Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("domain", ctypes.c_int), ("message", ctypes.c_char_p)]


class _Limit(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("wanted", ctypes.c_char_p), ("effective", ctypes.c_char_p)]


class _Note(ctypes.Structure):
    _fields_ = [("file", ctypes.c_char_p), ("line", ctypes.c_uint), ("key", ctypes.c_char_p),
                ("reason", ctypes.c_char_p)]


_void, _text, _number, _unsigned = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint
_error = ctypes.POINTER(_Error)
# name: result, arguments. Strings that are the caller's to free come as plain pointers.
_FUNCTIONS = {
    "skep_connect": (_void, [_text, _unsigned, _error]),
    "skep_connection_alive": (ctypes.c_bool, [_void]),
    "skep_disconnect": (None, [_void]),
    "skep_domain_by_uuid": (_void, [_void, _text, _error]),
    "skep_domain_find": (_void, [_void, _text, _error]),
    "skep_domain_free": (None, [_void]),
    "skep_domain_plan": (_void, [_void, _unsigned, _error]),
    "skep_domain_last_exit": (ctypes.c_bool, [_void, ctypes.POINTER(_number), ctypes.POINTER(_void), _error]),
    "skep_domain_effective_limits": (_number, [_void, ctypes.POINTER(ctypes.POINTER(_Limit)), _error]),
    "skep_limits_free": (None, [ctypes.POINTER(_Limit), _number]),
    "skep_domain_notes": (ctypes.POINTER(_Note), [_void, _error]),
    "skep_notes_free": (None, [ctypes.POINTER(_Note)]),
    "skep_xml_from_native": (_void, [_void, _text, _text, _text, ctypes.POINTER(ctypes.POINTER(_Note)), _error]),
    "skep_xml_to_native": (_void, [_void, _text, _text, ctypes.POINTER(ctypes.POINTER(_Note)), _error]),
    "skep_error_clear": (None, [_error]),
}


def _load():
    library = ctypes.CDLL(os.environ.get("SKEP_LIBRARY", "libskep.so.1"))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_skep = _load()
_libc = ctypes.CDLL(None)
_libc.free.argtypes = [_void]
_connections = {}


def _call(function, *arguments):
    """The result of a function that takes an error last; what it says goes into an exception."""
    error = _Error()
    result = function(*arguments, ctypes.byref(error))
    if error.code:
        failure = Error(error.code, error.domain, (error.message or b"").decode(errors="replace"))
        _skep.skep_error_clear(ctypes.byref(error))
        raise failure
    return result


def _string(pointer):
    """Takes over a string that is ours to free."""
    try:
        return ctypes.string_at(pointer).decode()
    finally:
        _libc.free(pointer)


def _connection(uri):
    kept = _connections.pop(uri, None)
    if kept and not _skep.skep_connection_alive(kept):
        _skep.skep_disconnect(kept)
        kept = None
    _connections[uri] = kept or _call(_skep.skep_connect, uri.encode() if uri else None, 0)
    return _connections[uri]


class _Domain:
    """The libskep handle of a libvirt.virDomain, or of (URI, name), for as long as a with block lasts."""

    def __init__(self, domain):
        if isinstance(domain, tuple):
            uri, name = domain
            self.handle = _call(_skep.skep_domain_find, _connection(uri), name.encode())
        else:
            self.handle = _call(_skep.skep_domain_by_uuid, _connection(domain.connect().getURI()), domain.UUID())

    def __enter__(self):
        return self.handle

    def __exit__(self, *ignored):
        _skep.skep_domain_free(self.handle)


def _uri(connection):
    return connection if connection is None or isinstance(connection, str) else connection.getURI()


def _notes(array):
    notes = []
    while array and array[len(notes)].key is not None:
        note = array[len(notes)]
        notes.append(Note(note.file.decode(), note.line, note.key.decode(), note.reason.decode()))
    _skep.skep_notes_free(array)
    return notes


# ---- What it is for. A domain is a libvirt.virDomain, or a pair (URI, name) ----

def plan(domain):
    """What a start would do, step by step, as text. Nothing is touched."""
    with _Domain(domain) as handle:
        return _string(_call(_skep.skep_domain_plan, handle, 0))


def limits(domain):
    """The limits as a list of Limit (name, wanted, effective); None where there is nothing."""
    array = ctypes.POINTER(_Limit)()
    with _Domain(domain) as handle:
        count = _call(_skep.skep_domain_effective_limits, handle, ctypes.byref(array))
    found = [Limit(array[i].name.decode(), array[i].wanted.decode() or None, array[i].effective.decode() or None)
             for i in range(count)]
    _skep.skep_limits_free(array, count)
    return found


def last_exit(domain):
    """How init ended the last time: (status as os.WIFEXITED and its like take it, words), or None."""
    status, text = _number(), _void()
    with _Domain(domain) as handle:
        _call(_skep.skep_domain_last_exit, handle, ctypes.byref(status), ctypes.byref(text))
    words = _string(text.value)
    return (status.value, words) if status.value >= 0 else None


def notes(domain):
    """What of the definition has no effect on a container: a list of Note (file, line, key, reason)."""
    with _Domain(domain) as handle:
        return _notes(_call(_skep.skep_domain_notes, handle))


def from_native(connection, text, *, name=None, format="lxc-tools"):     # pylint: disable=redefined-builtin
    """A configuration of LXC as domain XML: (XML, notes about what could not be taken over)."""
    array = ctypes.POINTER(_Note)()
    xml = _call(_skep.skep_xml_from_native, _connection(_uri(connection)), format.encode(), text.encode(),
                name.encode() if name else None, ctypes.byref(array))
    return _string(xml), _notes(array)


def to_native(connection, xml, *, format="lxc-tools"):       # pylint: disable=redefined-builtin
    """Domain XML as a configuration of LXC: (text, notes)."""
    array = ctypes.POINTER(_Note)()
    text = _call(_skep.skep_xml_to_native, _connection(_uri(connection)), format.encode(), xml.encode(),
                 ctypes.byref(array))
    return _string(text), _notes(array)
