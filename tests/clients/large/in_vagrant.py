# SPDX-License-Identifier: LGPL-2.1-or-later
"""vagrant-libvirt: it finds the connection and tells the state of a machine; it makes virtual machines only, so "up" ends
with its own words on that. Run by large.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
import skeptest as t  # noqa: E402

FILE = """\
Vagrant.configure("2") do |config|
  config.vm.define "one"
  config.vm.box = "none/none"
  config.vm.provider :libvirt do |libvirt|
    libvirt.uri = "{0}"
    libvirt.system_uri = "{0}"
    libvirt.driver = "kvm"
  end
end
"""


def main(uri, directory, name):
    checks = t.Checks(f"vagrant-libvirt on {name}")
    place = os.path.join(directory, "vagrant")
    os.makedirs(place)
    with open(os.path.join(place, "Vagrantfile"), "w", encoding="utf-8") as handle:
        handle.write(FILE.format(uri))
    env = dict(os.environ, VAGRANT_CWD=place, VAGRANT_HOME=os.path.join(directory, "vagrant.d"), VAGRANT_CHECKPOINT_DISABLE="1",
               VAGRANT_DEFAULT_PROVIDER="libvirt")
    done = t.execute(["vagrant", "status", "--machine-readable"], env=env, timeout=300)
    checks.that("status", done.status == 0 and "one,state,not_created" in done.out, done)
    checks.that("status: the provider is libvirt", "one,provider-name,libvirt" in done.out, done)
    return checks.done()


sys.exit(main(*sys.argv[1:]))
