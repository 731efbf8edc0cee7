# SPDX-License-Identifier: LGPL-2.1-or-later
"""What skep_verbs.py asks skep and virsh: lines of verbs, and what must come of them."""

# Asked of both; blanks and figures that move are taken out before they are compared.
SAME = """\
domstats one
domstats --state --vcpu --raw
domstats --list-inactive
domblklist one
domblklist one --details
domblklist one --inactive
domiflist one
domblkinfo one vda
domblkinfo one vda --human
domblkinfo one --all
domif-getlink one skv0
domifaddr one --source agent
domifaddr one --source agent --full
domifaddr one --source arp
domifaddr one
domhostname one
domhostname one --source agent
guestinfo one --os --hostname --timezone
domfsinfo one
domtime one --pretty
domjobinfo one
domjobinfo off
vcpucount one
vcpucount off
vcpucount one --live --active
vcpucount one --config --maximum
vcpuinfo one
vcpuinfo one --pretty
vcpuinfo off
vcpupin one
vcpupin one --vcpu 1
emulatorpin one
numatune one
blkiotune one
blkiotune off
domiftune one skv0
blkdeviotune one vda
domblkstat one vda
domblkstat one vda --human
net-list
net-list --all
pool-list
nwfilter-list
nwfilter-binding-list
secret-list
iface-list
iface-list --all
iface-mac skvbr
iface-dumpxml lo
nodedev-list
nodedev-list --tree
nodedev-list --cap net
nodedev-dumpxml computer
nodedev-info computer
nodedev-info net_lo_00_00_00_00_00_00
managedsave-remove one
nodedev-event --list
net-event --event lifecycle --timeout 1
pool-event --list
secret-event --list
node-memory-tune
domcapabilities
attach-disk one {image} vdc --print-xml
attach-interface one bridge skvbr --target skv9 --mac 52:54:00:11:22:33 --print-xml
"""

# Each changes something by skep; what the second verb, by virsh, must show then.
CHANGES = (
    ("setvcpus one 1 --live", "vcpucount one --live", "1"),
    ("setvcpus one 2 --live", "vcpucount one --live", "2"),
    ("vcpupin one 1 0 --live", "vcpupin one --vcpu 1", r"1 +0$"),
    ("vcpupin one 1 0-1,^0 --live", "vcpupin one --vcpu 1", r"1 +1$"),
    ("vcpupin one 1 r --live", "vcpupin one --vcpu 1", r"1 +0-1$"),
    ("emulatorpin one 0 --config", "emulatorpin one --config", r"\*: 0$"),
    ("numatune off --mode strict --nodeset 0 --config", "numatune off", r"numa_nodeset +: 0"),
    ("blkiotune off --weight 300 --config", "blkiotune off", r"weight +: 300"),
    ("domiftune one skv0 --inbound 1000,2000,512 --config", "domiftune one skv0 --config", r"inbound.peak *: 2000"),
    ("blkdeviotune one vda --read-bytes-sec 1000000 --config", "dumpxml one --inactive",
     r"<read_bytes_sec>1000000</read_bytes_sec>"),
    ("domif-setlink one skv0 down", "domif-getlink one skv0", "skv0 down"),
    ("domif-setlink one skv0 up", "domif-getlink one skv0", "skv0 up"),
    ("set-lifecycle-action one crash restart --config", "dumpxml one --inactive", "<on_crash>restart</on_crash>"),
    ("domrename off away", "list --all --name", r"^away$"),
    ("domrename away off", "list --all --name", r"^off$"),
    ("attach-interface one bridge skvbr --target skv1 --mac 52:54:00:11:22:33 --live", "domiflist one", "52:54:00:11:22:33"),
    ("detach-interface one bridge --mac 52:54:00:11:22:33 --live", "domiflist one", r"\A(?!.*52:54:00:11:22:33)"),
    ("attach-disk one {image} vdb --persistent", "domblklist one --inactive", r"vdb +{image}"),
    ("detach-disk one vdb --persistent", "domblklist one", r"\A(?!.*vdb)"),
    ("attach-device one {file} --live", "dumpxml one", r"<target dir='/mnt'/>"),
    ("detach-device one {file} --live", "dumpxml one", r"\A(?!.*'/mnt')"),
    ("attach-device one {file} --config", "dumpxml one --inactive", r"<alias name='ua-mnt'/>"),
    ("detach-device-alias one ua-mnt --config", "dumpxml one --inactive", r"\A(?!.*'/mnt')"),
)

# Refused with a sentence before the daemon is asked.
REFUSED = (
    ("vcpupin one --cpulist 0", "needs --vcpu"),
    ("vcpupin one 0 77", "no list of CPUs"),
    ("vcpupin one 0 1-0", "no list of CPUs"),
    ("setvcpus one 0", "at least 1"),
    ("numatune one --mode sideways", "invalid mode"),
    ("blkiotune one --weight lots", "no value for --weight"),
    ("domiftune one skv0 --inbound ,1", "no rate"),
    ("domif-setlink one skv0 sideways", "invalid link state"),
    ("domif-getlink one nosuch", "not found"),
    ("domifaddr one --source guess", "unknown data source"),
    ("domblkinfo one", "either --device or --all"),
    ("detach-disk one vdx", "No disk found whose source path or target is vdx"),
    ("detach-interface one network", "No interface found"),
    ("attach-interface one hostdev eth0", "no support for hostdev"),
    ("attach-disk one /dev/null vdb --mode writeonly", "no support for writeonly"),
    ("nodedev-list --cap flying", "invalid capability"),
    ("set-lifecycle-action one birth destroy", "Invalid lifecycle type"),
    ("vcpucount one --maximum --active", "exclude each other"),
    ("domtime one --now --sync", "exclude each other"),
    ("wait one --state happy", "is no state"),
    ("monitor (", "no regular expression"),
    ("monitor --timeout 0", "--timeout wants at least 1 second"),
    ("top --delay 0", "--delay wants 1 to 3600 seconds"),
    ("top --iterations 0", "--iterations wants at least 1"),
    ("top --sort size", "no order"),
)


# Failing lines: what virsh says of them skep says, too, with its hints beside it.
WORDS = """\
start none
start one
create /nonexistent.xml
define /nonexistent.xml
destroy none
destroy off
suspend off
resume off
shutdown off
reboot off
reset off
undefine none
undefine one --remove-all-storage
dumpxml none
dominfo none
domid none
domuuid none
domstate none
domrename none other
domrename one other
autostart none
attach-device one /nonexistent.xml
detach-device one /nonexistent.xml
update-device one /nonexistent.xml
detach-device-alias one none --live
detach-disk one vdx --live
detach-interface one network --live
attach-interface one bridge nosuch --live
blkdeviotune one vdx
blkiotune none
memtune none
domiftune one eth7
domifstat one eth7
domif-getlink one eth7
domblkstat one vdx
domblkinfo one vdx
domifaddr off
domhostname off
domfsinfo off
domfsfreeze one
domfsthaw off
domfstrim one
domfstrim off
domjobabort one
domtime one --now
dommemstat off
cpu-stats off
guestinfo off
guestvcpus off
vcpupin off 0 0 --live
emulatorpin off 0 --live
numatune off 0 0 --live
schedinfo one --set x=1
schedinfo one --set x
setmem off 1024 --live
setmaxmem one 1024 --live
setvcpu one 0
setvcpus off 1 --live
setvcpus one 9999 --live
send-process-signal one 1 sideways
send-process-signal one 77777 term
set-lifecycle-action one birth restart
set-user-password one root secret
lxc-enter-namespace off --noseclabel -- /bin/true
metadata one http://nosuch.invalid/
desc none
domxml-from-native lxc-tools /nonexistent
domxml-from-native nosuch /etc/passwd
domxml-to-native lxc-tools
nodedev-dumpxml none
nodedev-info none
nodedev-info 1,2
nodedev-event
nodedev-event --event nonsense
nodedev-event --event lifecycle --device none
net-event --event lifecycle --network none --timeout 1
event
event --event nonsense
managedsave-remove none
iface-dumpxml none
iface-mac none
freepages
nodesuspend mem 60
allocpages 4 1 --cellno 77
"""
