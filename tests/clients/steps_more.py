# SPDX-License-Identifier: LGPL-2.1-or-later
"""The verbs of virsh that steps.py has no use for: of devices, of what virtual machines alone have, of networks,
storage, filters, secrets, snapshots. Here it matters that the answer is libvirt's: code and words of a refusal.

A step is as in steps.py; most are named by their words.
"""

DISK = "<disk type='block'><source dev='/dev/none'/><target dev='sda'/></disk>"
FILES = {
    "plug-disk": DISK,
    "plug-misc": "<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>",
    "plug-console": "<console type='pty'><target type='lxc' port='1'/></console>",
    "plug-fs": "<filesystem type='mount'><source dir='/etc'/><target dir='/mnt'/></filesystem>",
    "plug-hostnet": "<hostdev mode='capabilities' type='net'><source><interface>none0</interface></source></hostdev>",
    "plug-usb": "<hostdev mode='subsystem' type='usb'><source><address bus='250' device='250'/></source></hostdev>",
    "plug-input": "<input type='tablet' bus='usb'/>",
    "plug-net": "<interface type='bridge'><mac address='52:54:00:ab:cd:01'/><source bridge='nobr0'/></interface>",
    "network": "<network><name>n</name><forward mode='bridge'/><bridge name='nobr0'/></network>",
    "pool": "<pool type='dir'><name>p</name><target><path>/none</path></target></pool>",
    "secret": "<secret ephemeral='no' private='no'><usage type='volume'><volume>/none</volume></usage></secret>",
    "filter": "<filter name='f'><rule action='drop' direction='in'/></filter>",
    "binding": "<filterbinding><owner><name>one</name><uuid>1f9cf5a4-0001-4b5c-9f53-5a6d4c2b1e01</uuid></owner>"
               "<portdev name='none0'/><mac address='52:54:00:ab:cd:01'/><filterref filter='f'/></filterbinding>",
    "snapshot": "<domainsnapshot><name>s</name></domainsnapshot>",
    "checkpoint": "<domaincheckpoint><name>c</name></domaincheckpoint>",
    "backup": "<domainbackup mode='push'/>",
    "link": "<interface type='ethernet' name='none0'/>",
    "cpu": "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>",
    "nodedev": "<device><name>none</name><parent>computer</parent><capability type='mdev'><type id='x'/></capability></device>",
    "volume": "<volume><name>v</name><capacity>1</capacity></volume>",
}


def named(line, **options):
    return (line, line.split(), options)


OFF_AND_ON = """\
attach-device one {xml:plug-disk} --config
attach-device one {xml:plug-input} --config
attach-device one {xml:plug-net} --config
attach-device one {xml:plug-net} --config
attach-device one {xml:not-xml} --config
detach-device one {xml:plug-net} --config
detach-device one {xml:plug-net} --config
detach-device one {xml:plug-disk} --config
detach-device one {xml:plug-disk} --config
update-device one {xml:plug-disk} --config
detach-device-alias one net0 --config
attach-interface one bridge nobr0 --mac 52:54:00:ab:cd:02 --config
domiflist one --inactive
detach-interface one bridge --mac 52:54:00:ab:cd:02 --config
detach-interface one bridge --mac 52:54:00:ab:cd:03 --config
attach-disk one /dev/none sdb --config
domblklist one --inactive
detach-disk one sdb --config
detach-disk one sdc --config
change-media one sda --eject
domif-getlink one none0
domif-setlink one none0 up --config
domiftune one none0
domif-getlink one none0 --config
blkdeviotune one sda
blkdeviotune one sda --config
blkiotune one --weight 500 --config
blkiotune one --config
blkiotune one --weight 5 --config
numatune one --config
domblkinfo one sda
domblkerror one
domblkthreshold one sda 1
domdirtyrate-calc one
domdisplay one
vncdisplay one
domfsinfo one
domfsfreeze one
domfsthaw one
domfstrim one
domlaunchsecinfo one
domsetlaunchsecstate one --secrethdr /etc/hostname --secret /etc/hostname
dompmsuspend one mem
dompmwakeup one
domtime one
guestinfo one
guestvcpus one
guest-agent-timeout one --timeout 5
get-user-sshkeys one root
set-user-sshkeys one root --remove-file
inject-nmi one
send-key one KEY_ENTER
screenshot one /none
iothreadinfo one
iothreadadd one 1
iothreadpin one 1 0
iothreadset one 1
iothreaddel one 1
perf one
perf one --enable cmt
reset one
dump one /none
save one /none
managedsave one
managedsave-remove one
managedsave-dumpxml one
blockcommit one sda
blockcopy one sda /none
blockjob one sda
blockpull one sda
blockresize one sda 1G
migrate one lxc+unix:///system?socket=/none
migrate-setmaxdowntime one 1
migrate-getmaxdowntime one
migrate-setspeed one 1
migrate-getspeed one
migrate-compcache one
migrate-postcopy one
setvcpu one 0 --enable
update-memory-device one --requested-size 1
domjobinfo one
domjobabort one
snapshot-list one
snapshot-current one
snapshot-create one {xml:snapshot}
snapshot-create-as one s
snapshot-info one s
snapshot-dumpxml one s
snapshot-parent one s
snapshot-revert one s
snapshot-delete one s
checkpoint-list one
checkpoint-create one {xml:checkpoint}
checkpoint-create-as one c
checkpoint-info one c
checkpoint-dumpxml one c
checkpoint-parent one c
checkpoint-delete one c
backup-begin one {xml:backup}
backup-dumpxml one
qemu-monitor-command one info
qemu-agent-command one info
setmem one 16777216 --config
setmaxmem one 65536 --config
memtune one --hard-limit 1 --config
memtune one --hard-limit 100000 --soft-limit 90000 --swap-hard-limit 80000 --config
memtune one --min-guarantee 1 --config
memtune one --config
vcpucount one --config
vcpucount one --live
undefine one --managed-save
undefine one --snapshots-metadata
undefine one --nvram
undefine one --remove-all-storage
desc one --live --new-desc live
domrename two two
""".splitlines()

# Devices and limits of a running one, as far as stock can: hotplug.py and tune.py look for what they do.
LIVE = """\
attach-device one {xml:plug-console} --live
detach-device one {xml:plug-console} --live
update-device one {xml:plug-console} --live
attach-device one {xml:plug-misc} --live
attach-device one {xml:plug-misc} --live
update-device one {xml:plug-misc} --live
detach-device one {xml:plug-misc} --live
detach-device one {xml:plug-misc} --live
attach-device one {xml:plug-fs} --live
detach-device one {xml:plug-fs} --live
attach-device one {xml:plug-hostnet} --live
detach-device one {xml:plug-hostnet} --live
attach-device one {xml:plug-usb} --live
detach-device one {xml:plug-usb} --live
attach-device one {xml:plug-console} --config
attach-device one {xml:plug-fs} --config
update-device one {xml:plug-net} --live
vcpupin one 0 0 --live
emulatorpin one 0 --live
numatune one 0 0 --live
blkiotune one --device-read-bytes-sec /dev/none,1 --live
blkiotune one --device-read-bytes-sec /dev/null,1 --live
blkiotune one --device-read-bytes-sec /dev/none,x --live
memtune one --soft-limit 40000 --live
schedinfo one --live --set cpu_shares=1
schedinfo one --live --set vcpu_quota=1
set-lifecycle-action one crash restart --live
""".splitlines()

OTHERS = """\
restore /none
save-image-dumpxml /none
save-image-define /none {xml:one}
qemu-attach 1
cpu-baseline {xml:cpu}
cpu-compare {xml:cpu}
hypervisor-cpu-baseline {xml:cpu}
hypervisor-cpu-compare {xml:cpu}
nodesevinfo
net-uuid none
net-name 1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff
net-dumpxml none
net-start none
net-destroy none
net-undefine none
net-autostart none
net-update none add ip-dhcp-host <host/>
net-dhcp-leases none
net-port-list none
pool-dumpxml none
pool-start none
pool-destroy none
pool-delete none
pool-refresh none
pool-build none
pool-undefine none
pool-autostart none
pool-uuid none
pool-name 1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff
vol-list none
vol-dumpxml /none
vol-key /none
vol-path /none
vol-pool /none
vol-name /none
vol-delete /none
vol-wipe /none
vol-create none {xml:volume}
nodedev-info none
nodedev-detach none
nodedev-reattach none
nodedev-reset none
nodedev-destroy none
iface-start none0
iface-destroy none0
iface-undefine none0
secret-get-value 1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff
secret-set-value 1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff aGVsbG8=
secret-undefine 1f9cf5a4-ffff-4b5c-9f53-5a6d4c2b1eff
nwfilter-undefine none
nwfilter-binding-dumpxml none0
nwfilter-binding-delete none0
freepages --all
freepages --cellno 0 --pagesize 4
domxml-from-native nonsense {xml:one}
domxml-to-native nonsense --xml {xml:one}
""".splitlines()

MORE = [
    ("more: define", ["define", "{xml:one}"], {}),
    ("more: define two", ["define", "{xml:two}"], {}),
    *[(f"off: {line} ({number})", line.split(), {}) for number, line in enumerate(OFF_AND_ON)],
    ("more: define again", ["define", "{xml:one}"], {}),
    ("more: start", ["start", "one"], {"until": ("one", "running"), "entered": "one"}),
    *[(f"on: {line} ({number})", [word.replace("--config", "--live") for word in line.split()], {})
      for number, line in enumerate(OFF_AND_ON) if not line.startswith("managedsave one")],
    *[(f"live: {line} ({number})", line.split(), {}) for number, line in enumerate(LIVE)],
    ("more: destroy", ["destroy", "one"], {}),
    *[named(line) for line in OTHERS],
    ("more: undefine", ["undefine", "one"], {}),
    ("more: undefine two", ["undefine", "two"], {}),
]
