# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input for every call that skepd does, made from the calls' layouts: packets cut short or too long, lengths,
counts and types out of bounds, unknown parameters and flags, handles of what is gone or of another kind. The code is
the right one, and nothing has changed."""

import contextlib
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import layouts as l  # noqa: E402
import skeptest as t  # noqa: E402
import wire as w  # noqa: E402

UUID = "1f9cf5a4-0044-4b5c-9f53-5a6d4c2b1e44"
DEAD = "1f9cf5a4-dead-4b5c-9f53-5a6d4c2b1e44"
RPC, INTERNAL, INVALID_ARG, NO_SUPPORT, UNSUPPORTED_ARG, INVALID = 39, 1, 8, 3, 74, 55
# What the first member of the arguments is, and the code for one that is not there.
DEAD_CODES = {"wire_domain": {42}, "wire_network": {43}, "wire_storage_pool": {49}, "wire_storage_vol": {49, 50},
              "wire_interface": {57}, "wire_nwfilter": {62}, "wire_secret": {66}, "wire_nwfilter_binding": {101},
              "wire_domain_snapshot": {42, 72}, "wire_domain_checkpoint": {42, 72, 109}, "wire_network_port": {43, 107}}
COUNTS = {"maxnames", "maxids", "maxuuids", "nparams", "maxStats", "ncpus", "maxinfo", "maplen", "ncpumaps", "maxcells",
          "maxerrors"}
# Ends the connection, or opens it.
NOT_HERE = {"connect_open", "connect_close", "auth_list"}


class Client:
    """A connection that is made anew when a call has cost it, which no call may."""

    def __init__(self, checks, path):
        self.checks, self.path = checks, path
        self.wire = w.Wire(path).open()

    def code(self, what, number, payload):
        """The code of the error, 0 when there is none."""
        try:
            self.wire.call(number, payload)
        except w.Failure as error:
            return error.code
        except w.Closed:
            self.checks.that(f"{what}: the connection lives", False)
            self.wire = w.Wire(self.path).open()
            return -1
        return 0

    def expect(self, what, number, payload, codes):
        found = self.code(what, number, payload)
        return self.checks.that(what, found in codes, f"code {found}, not {sorted(codes)}")


def malformed(client, name, row, payload):
    """What cannot be decoded."""
    number, good = row["number"], payload.bytes
    for end in range(0, len(good), 4):
        client.expect(f"{name}: cut at {end}", number, good[:end], {RPC})
    for what, at, values in payload.spots:
        for value in values:
            client.expect(f"{name}: {what} ({value:#x})", number,
                          good[:at] + struct.pack(">I", value) + good[at + 4:], {RPC})


def offset_of(layouts, struct_name, member, values):
    """Where a member of the outermost struct begins in its payload."""
    payload = l.Payload(layouts, values)
    for field in layouts.structs[struct_name]:
        if field[0] == member:
            return len(payload.bytes)
        payload.add(field, field[0])
    return None


def check_flags(client, layouts, name, row, payload, values):
    """All the bits that other calls have and this one has not."""
    at = offset_of(layouts, f"{name}_args", "flags", values)
    unknown = ~row["flags"] & 0xffffffff if row["flags"] is not None else 0
    if at is None or not unknown:
        return
    good = payload.bytes
    client.expect(f"{name}: flags of other calls", row["number"], good[:at] + struct.pack(">I", unknown) + good[at + 4:],
                  {INVALID_ARG})


def check_counts(client, layouts, name, row, payload, values):
    good = payload.bytes
    for field, kind, shape, _ in layouts.structs[f"{name}_args"]:
        if field not in COUNTS or shape != "one":
            continue
        at = offset_of(layouts, f"{name}_args", field, values)
        # one more than fits into the answer, where that has a bound
        bounds = [most + 1 for _, _, how, most in layouts.structs.get(f"{name}_ret", ()) if how == "list" and most]
        for value in (*bounds[:1], 0xffffffff, 0x80000000, 0x7fffffff):
            client.expect(f"{name}: {field} {value:#x}", row["number"],
                          good[:at] + struct.pack(">I", value) + good[at + 4:],
                          {INTERNAL, INVALID_ARG, RPC, INVALID, 53})


def check_dead(client, layouts, name, row):
    """Handles of what never was, and of what is something else."""
    fields = layouts.structs[f"{name}_args"]
    kind = fields[0][1] if fields else None
    if kind not in DEAD_CODES or fields[0][2] != "one":
        return
    for what, key in (("gone", DEAD), ("a domain's", UUID)):
        if what == "a domain's" and kind in ("wire_domain", "wire_domain_snapshot", "wire_domain_checkpoint"):
            continue
        values = {"name": "bad", "uuid": bytes.fromhex(key.replace("-", "")), "mac": "", "portdev": "bad"}
        payload = l.Payload(layouts, values).add_struct(f"{name}_args")
        client.expect(f"{name}: a handle that is {what}", row["number"], payload.bytes, DEAD_CODES[kind])


def param(name, kind, value=b"\0\0\0\0"):
    return w.string(name) + struct.pack(">i", kind) + value


PARAM_VALUES = {1: b"\0\0\0\1", 2: b"\0\0\0\1", 3: b"\0" * 7 + b"\1", 4: b"\0" * 7 + b"\1", 5: b"\0" * 8, 6: b"\0\0\0\1",
                7: w.string("x")}


def check_params(client, layouts, name, row, values):
    """Lists of typed parameters: names that are unknown, names twice, known names with another type."""
    fields = layouts.structs[f"{name}_args"]
    if not any(kind == "wire_typed_param" and shape == "list" for _, kind, shape, _ in fields):
        return
    known = known_params(client, layouts, name, values)
    cases = [("an unknown parameter", [param("nonsense", 2)], {UNSUPPORTED_ARG})]
    for field, right in known:
        for kind, value in PARAM_VALUES.items():
            if kind != right:
                cases.append((f"{field} of type {kind}", [param(field, kind, value)],
                              {INVALID_ARG, UNSUPPORTED_ARG}))
        one = param(field, right, PARAM_VALUES[right])
        cases.append((f"{field} twice", [one, one], {INVALID_ARG, UNSUPPORTED_ARG}))
    for what, params, codes in cases:
        payload = l.Payload(layouts, values)
        for field in fields:
            if field[1] == "wire_typed_param":
                payload.bytes += struct.pack(">I", len(params)) + b"".join(params)
            elif field[0] == "flags" and (row["flags"] or 0) & 2:
                payload.bytes += struct.pack(">I", 2)       # the saved definition: it runs not
            else:
                payload.add(field, field[0])
        client.expect(f"{name}: {what}", row["number"], payload.bytes, codes | {NO_SUPPORT})


def known_params(client, layouts, setter, values):
    """(name, type) of what the matching getter tells, when there is one."""
    getter = setter.replace("_set_", "_get_")
    rows = l.Rows.read()
    if getter == setter or getter not in rows:
        return []
    payload = l.Payload(layouts, values)
    for field in layouts.structs[f"{getter}_args"]:
        if field[0] == "nparams":
            payload.bytes += struct.pack(">i", 16)
        elif field[0] == "flags":
            payload.bytes += struct.pack(">I", 4 if rows[getter]["flags"] & 4 else 0)
        else:
            payload.add(field, field[0])
    with contextlib.suppress(w.Failure):
        return decode_params(client.wire.call(rows[getter]["number"], payload.bytes))
    return []


def decode_params(data):
    """The list at the begin of a reply."""
    at, found = 4, []
    for _ in range(struct.unpack_from(">I", data)[0]):
        length, = struct.unpack_from(">I", data, at)
        name = data[at + 4:at + 4 + length].decode()
        at += 4 + (length + 3) // 4 * 4
        kind, = struct.unpack_from(">i", data, at)
        at += 4
        if kind == 7:
            length, = struct.unpack_from(">I", data, at)
            at += 4 + (length + 3) // 4 * 4
        else:
            at += 8 if kind in (3, 4, 5) else 4
        found.append((name, kind))
    return found


def check_others(client, rows):
    """Procedures of libvirt's that are not done here, messages, and numbers that nobody has: refused, whatever comes
    with them. 3: a driver's call that this one has not; 39: nobody calls that."""
    done = {row["number"] for row in rows.values()}
    for number in (*range(0, 520), 0x7fffffff, -1, -0x80000000):
        if number in done:
            continue
        for payload in (b"", b"\0" * 64, b"\xff" * 64):
            client.expect(f"procedure {number} with {payload[:1]!r}", number, payload, {NO_SUPPORT, RPC})


def as_libvirtd(client, rows):
    """What decodes and cannot be meant, with the code that stock libvirtd 9.0.0 gives for it (0: none)."""
    domain, i32, u32, u64 = w.domain("bad", UUID), *(struct.Struct(kind).pack for kind in (">i", ">I", ">Q"))
    one = u32(1) + param("x" * 80, 4, u64(1))
    cases = [
        ("domain_lookup_by_id", i32(-1), INVALID_ARG),
        ("connect_list_domains", i32(-1), RPC), ("connect_list_domains", i32(16385), RPC),
        ("connect_list_defined_domains", i32(-1), RPC), ("connect_list_defined_domains", i32(16385), RPC),
        ("node_get_cells_free_memory", i32(0) + i32(0), INVALID_ARG),
        ("node_get_cells_free_memory", i32(0) + i32(-1), RPC), ("node_get_cells_free_memory", i32(0) + i32(1025), RPC),
        ("node_get_free_pages", u32(1) + u32(4) + i32(0) + u32(1025) + u32(0), INTERNAL),
        ("node_get_free_pages", u32(1) + u32(os.sysconf("SC_PAGESIZE") // 1024) + i32(-1) + u32(1) + u32(0), 0),
        ("domain_set_memory_flags", domain + u64(0) + u32(2), INVALID_ARG),
        ("domain_set_memory_flags", domain + u64(1 << 53) + u32(2), 82),
        *[(name, domain + more + u32(2), code)
          for name in ("domain_set_memory_parameters", "domain_set_blkio_parameters",
                       "domain_set_scheduler_parameters_flags") for more, code in ((u32(0), INVALID_ARG), (one, INTERNAL))],
    ]
    for name, payload, code in cases:
        client.expect(f"{name} as libvirtd: {payload[-16:].hex()}", rows[name]["number"], payload, {code})


def picture(daemon):
    """Everything that bad input must not change."""
    return [daemon.virsh(*words).out for words in (("list", "--all"), ("list", "--autostart", "--all"),
                                                   ("dumpxml", "--inactive", "bad"), ("node-memory-tune",))]


def main():
    t.enter_namespaces()
    checks = t.Checks("bad input")
    layouts, rows = l.Layouts(), l.Rows.read()
    with w.memory_dir() as directory, t.Skepd(os.path.join(directory, "s")) as daemon:
        path = os.path.join(directory, "bad.xml")
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml("bad", directory + "/root", uuid=UUID))
        checks.equal("define", daemon.virsh("define", path).status, 0)
        before = picture(daemon)
        client = Client(checks, daemon.uri.split("socket=")[1])
        values = {"name": "bad", "uuid": bytes.fromhex(UUID.replace("-", ""))}
        for name, row in rows.items():
            if not row["args"] or name in NOT_HERE:
                continue
            payload = l.Payload(layouts, values).add_struct(f"{name}_args")
            malformed(client, name, row, payload)
            check_flags(client, layouts, name, row, payload, values)
            check_counts(client, layouts, name, row, payload, values)
            check_dead(client, layouts, name, row)
            check_params(client, layouts, name, row, values)
        check_others(client, rows)
        as_libvirtd(client, rows)
        checks.that("there were many calls", len(rows) > 150, len(rows))
        checks.equal("nothing has changed", picture(daemon), before)
        client.wire.close()
        daemon.virsh("undefine", "bad")
    return checks.done()


sys.exit(main())
