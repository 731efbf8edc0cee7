/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices and interfaces of a made-up host: what sysfs says becomes libvirt's documents. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "host/device.h"
#include "host/interface.h"
#include "host/leases.h"
#include "host/node.h"
#include "host/node_memory.h"
#include "util/error.h"

static char *root;

static void
put (const char *path, const char *text)
{
    g_autofree char *full = g_strconcat (root, path, NULL);
    g_autofree char *dir = g_path_get_dirname (full);

    g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
    g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

/* @target is a path within the host. */
static void
put_link (const char *path, const char *target)
{
    g_autofree char *full = g_strconcat (root, path, NULL), *to = g_strconcat (root, target, NULL);
    g_autofree char *dir = g_path_get_dirname (full);

    g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
    g_assert_cmpint (symlink (to, full), ==, 0);
}

#define BRIDGE  "/sys/devices/pci0000:00/0000:00:1c.0"
#define HBA     BRIDGE "/0000:01:00.0"
#define HOST    HBA "/host0"
#define TARGET  HOST "/target0:0:1"
#define LUN     TARGET "/0:0:1:2"
#define USB     "/sys/devices/pci0000:00/0000:00:14.0/usb1"

static void
put_pci (const char *path, const char *name, const char *class, const char *vendor, const char *device)
{
    g_autofree char *link = g_strconcat ("/sys/bus/pci/devices/", name, NULL);
    const struct {
        const char *file, *text;
    } files[] = { { "/class", class }, { "/vendor", vendor }, { "/device", device } };

    for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
        g_autofree char *file = g_strconcat (path, files[i].file, NULL);

        put (file, files[i].text);
    }
    put_link (link, path);
}

/* A PCI Express device: a link of 8 GT/s and 4 lanes, which runs at 5 with 2. */
static void
put_config (const char *path, gboolean bridge)
{
    g_autofree char *full = g_strconcat (root, path, "/config", NULL);
    char config[256] = { 0 };

    config[6] = 0x10;
    config[14] = bridge ? 1 : 0;
    config[0x34] = 0x40;
    config[0x40] = 0x10;
    config[0x42] = 0x02;
    config[0x4c] = 0x43;
    config[0x4f] = 3;
    config[0x52] = 0x22;
    g_assert_true (g_file_set_contents (full, config, sizeof config, NULL));
}

static void
make_pci (void)
{
    put_pci (BRIDGE, "0000:00:1c.0", "0x060400\n", "0x8086\n", "0x9d10\n");
    put_config (BRIDGE, TRUE);
    put_pci (HBA, "0000:01:00.0", "0x010400\n", "0x1000\n", "0x0073\n");
    put_config (HBA, FALSE);
    put (HBA "/numa_node", "0\n");
    put (HBA "/sriov_totalvfs", "4\n");
    put (HBA "/sriov_numvfs", "1\n");
    put_link (HBA "/virtfn0", BRIDGE "/0000:01:00.1");
    put (BRIDGE "/0000:01:00.1/class", "0x010400");
    put_link (HBA "/iommu_group", "/sys/kernel/iommu_groups/7");
    put_link ("/sys/kernel/iommu_groups/7/devices/0000:01:00.0", HBA);
    put_link (HBA "/driver", "/sys/bus/pci/drivers/megaraid_sas");
    put ("/sys/bus/pci/drivers/megaraid_sas/bind", "");
    put ("/usr/share/misc/pci.ids", "# names\n1000  Broadcom / LSI\n\t0073  MegaRAID <SAS>\n"
         "\t\t1000 9240  Sub\n"
                                    "8086  Intel Corporation\n\t9d11  Another\n8087  X\n"
                                    "\t9d10  Not this one\n");
}

static void
make_scsi (void)
{
    put_link ("/sys/bus/scsi/devices/host0", HOST);
    put_link ("/sys/bus/scsi/devices/target0:0:1", TARGET);
    put_link ("/sys/bus/scsi/devices/0:0:1:2", LUN);
    put (LUN "/type", "0\n");
    put (LUN "/model", "ST <1>\n");
    put (LUN "/vendor", "SEAGATE \n");
    put ("/sys/class/scsi_host/host0/unique_id", "3\n");
    put ("/sys/class/fc_host/host0/node_name", "0x2001001b32a9da4e\n");
    put ("/sys/class/fc_host/host0/port_name", "0x2101001b32a9da4e\n");
    put_link ("/sys/class/scsi_generic/sg0", LUN "/scsi_generic/sg0");
    put (LUN "/scsi_generic/sg0/dev", "21:0\n");
    put (LUN "/scsi_generic/sg0/uevent", "MAJOR=21\nMINOR=0\nDEVNAME=sg0\n");
    put_link ("/sys/block/sda", LUN "/block/sda");
    put_link ("/sys/block/loop0", "/sys/devices/virtual/block/loop0");
    put ("/sys/devices/virtual/block/loop0/size", "8\n");
    put (LUN "/block/sda/size", "4096\n");
    put (LUN "/block/sda/queue/logical_block_size", "512\n");
    put (LUN "/block/sda/removable", "0\n");
    put (LUN "/block/sda/dev", "8:0\n");
    put (LUN "/block/sda/uevent", "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n");
    put_link (LUN "/block/sda/device", LUN);
    put ("/run/udev/data/b8:0", "S:disk/by-id/ata-ST1\nE:ID_SERIAL=ST_1-x\nE:ID_BUS=ata\nE:ID_TYPE=disk\n");
}

static void
make_rest (void)
{
    put_link ("/sys/bus/usb/devices/usb1", USB);
    put_link ("/sys/bus/usb/devices/1-2", USB "/1-2");
    put_link ("/sys/bus/usb/devices/1-2:1.0", USB "/1-2/1-2:1.0");
    put (USB "/busnum", "1\n");
    put (USB "/1-2/busnum", "1\n");
    put (USB "/1-2/devnum", "5\n");
    put (USB "/1-2/idProduct", "c534\n");
    put (USB "/1-2/idVendor", "046d\n");
    put (USB "/1-2/product", "USB Receiver\n");
    put (USB "/1-2/dev", "189:4\n");
    put (USB "/1-2/uevent", "DEVNAME=bus/usb/001/005\n");
    put (USB "/1-2/1-2:1.0/bInterfaceNumber", "00\n");
    put (USB "/1-2/1-2:1.0/bInterfaceClass", "03\n");
    put (USB "/1-2/1-2:1.0/bInterfaceSubClass", "01\n");
    put (USB "/1-2/1-2:1.0/bInterfaceProtocol", "02\n");
    put_link ("/sys/class/net/eth0", HBA "/net/eth0");
    put (HBA "/net/eth0/address", "52:54:00:12:34:56\n");
    put (HBA "/net/eth0/operstate", "up\n");
    put (HBA "/net/eth0/speed", "1000\n");
    put (HBA "/net/eth0/mtu", "1500\n");
    put (HBA "/net/eth0/brport/x", "");
    put ("/sys/class/net/br0/address", "52:54:00:12:34:56\n");
    put ("/sys/class/net/br0/uevent", "DEVTYPE=bridge\nINTERFACE=br0\nIFINDEX=4\n");
    put ("/sys/class/net/br0/operstate", "down\n");
    put ("/sys/class/net/br0/mtu", "1400\n");
    put ("/sys/class/net/br0/bridge/stp_state", "1\n");
    put ("/sys/class/net/br0/bridge/forward_delay", "1500\n");
    put ("/sys/class/net/br0/brif/eth0", "");
    put ("/sys/class/net/wlan0/address", "52:54:00:12:34:58\n");
    put ("/sys/class/net/wlan0/uevent", "DEVTYPE=wlan\nINTERFACE=wlan0\nIFINDEX=5\n");
    put ("/sys/class/net/wlan0/operstate", "lowerlayerdown\n");
    put ("/sys/class/net/wlan0/speed", "10000\n");
    put ("/sys/class/net/lo/uevent", "INTERFACE=lo\nIFINDEX=1\n");
    put ("/sys/class/net/lo/operstate", "unknown\n");
    put ("/sys/class/net/lo/address", "00:00:00:00:00:00\n");
    put ("/sys/class/net/eth0.5/operstate", "up\n");
    put ("/sys/class/net/eth0.5/address", "52:54:00:12:34:57\n");
    put ("/sys/class/net/bonding_masters", "\n");
    put ("/proc/net/vlan/eth0.5", "eth0.5  VID: 5\t REORDER_HDR: 1\nDevice: eth0\n");
    put_link ("/sys/class/drm/card0", "/sys/devices/virtual/drm/card0");
    put ("/sys/devices/virtual/drm/card0/dev", "226:0\n");
    put ("/sys/class/dmi/id/sys_vendor", "Skep & Sons\n");
}

static void
expect_xml (const GPtrArray *devices, const char *name, const char *expected)
{
    const HostDevice *device = devices_find (devices, name);
    g_autofree char *xml = NULL;

    g_assert_nonnull (device);
    xml = device_xml (device);
    g_assert_cmpstr (xml, ==, expected);
}

static void
test_names (void)
{
    static const char *const expected[] = {
        "computer", "pci_0000_00_1c_0", "pci_0000_01_00_0", "usb_1_2", "usb_1_2_1_0", "usb_usb1", "scsi_0_0_1_2",
        "scsi_host0", "scsi_target0_0_1", "scsi_generic_sg0", "net_wlan0_52_54_00_12_34_58",
        "net_eth0_52_54_00_12_34_56", "net_eth0_5_52_54_00_12_34_57", "net_lo_00_00_00_00_00_00",
        "block_sda_ST_1_x", "drm_card0",
    };
    static const struct {
        const char *name, *parent;
    } parents[] = {
        { "computer", NULL },
        { "pci_0000_00_1c_0", "computer" },
        { "pci_0000_01_00_0", "pci_0000_00_1c_0" },
        { "scsi_host0", "pci_0000_01_00_0" },
        { "scsi_target0_0_1", "scsi_host0" },
        { "scsi_0_0_1_2", "scsi_target0_0_1" },
        { "block_sda_ST_1_x", "scsi_0_0_1_2" },
        { "usb_1_2_1_0", "usb_1_2" },
        { "usb_1_2", "usb_usb1" },
        { "net_eth0_52_54_00_12_34_56", "pci_0000_01_00_0" },
        { "net_lo_00_00_00_00_00_00", "computer" },
    };
    g_autoptr (GPtrArray) devices = devices_read ();

    for (guint i = 0; i < devices->len; i++)
        g_test_message ("%s", ((HostDevice *) devices->pdata[i])->name);
    for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
        g_assert_nonnull (devices_find (devices, expected[i]));
    for (guint i = 0; i < G_N_ELEMENTS (parents); i++)
        g_assert_cmpstr (devices_find (devices, parents[i].name)->parent, ==, parents[i].parent);
    g_assert_null (devices_find (devices, "block_loop0"));
    g_assert_null (devices_find (devices, "net_bonding_masters"));
    g_assert_null (devices_find (devices, "net_br0_52_54_00_12_34_56"));
    g_assert_true (device_has_cap (devices_find (devices, "scsi_host0"), "fc_host"));
    g_assert_true (device_has_cap (devices_find (devices, "scsi_host0"), "scsi_host"));
    g_assert_false (device_has_cap (devices_find (devices, "scsi_0_0_1_2"), "scsi_host"));
    g_assert_false (device_has_cap (devices_find (devices, "scsi_0_0_1_2"), "nonsense"));
    g_assert_true (device_has_wwn (devices_find (devices, "scsi_host0"), "2001001b32a9da4e", "2101001b32a9da4e"));
    g_assert_false (device_has_wwn (devices_find (devices, "scsi_host0"), "2001001b32a9da4e", "1"));
}

static void
test_pci (void)
{
    g_autoptr (GPtrArray) devices = devices_read ();

    expect_xml (devices, "pci_0000_01_00_0",
                "<device>\n  <name>pci_0000_01_00_0</name>\n  <path>" HBA "</path>\n"
                "  <parent>pci_0000_00_1c_0</parent>\n  <driver>\n    <name>megaraid_sas</name>\n"
                "  </driver>\n"
                "  <capability type='pci'>\n    <class>0x010400</class>\n    <domain>0</domain>\n"
                "    <bus>1</bus>\n"
                "    <slot>0</slot>\n    <function>0</function>\n"
                "    <product id='0x0073'>MegaRAID &lt;SAS&gt;</product>\n"
                "    <vendor id='0x1000'>Broadcom / LSI</vendor>\n"
                "    <capability type='virt_functions' maxCount='4'>\n"
                "      <address domain='0x0000' bus='0x01' slot='0x00' function='0x1'/>\n    </capability>\n"
                "    <iommuGroup number='7'>\n"
                "      <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
                "    </iommuGroup>\n    <numa node='0'/>\n    <pci-express>\n"
                "      <link validity='cap' port='3' speed='8' width='4'/>\n"
                "      <link validity='sta' speed='5' width='2'/>\n    </pci-express>\n"
                "  </capability>\n</device>\n");
    {
        g_autofree char *xml = device_xml (devices_find (devices, "pci_0000_00_1c_0"));

        g_assert_nonnull (strstr (xml, "    <capability type='pci-bridge'/>\n"));
        /* a product is looked for among its vendor's only */
        g_assert_nonnull (strstr (xml, "    <product id='0x9d10'/>\n"
                                       "    <vendor id='0x8086'>Intel Corporation</vendor>\n"));
    }
}

static void
test_others (void)
{
    g_autoptr (GPtrArray) devices = devices_read ();

    expect_xml (devices, "computer",
                "<device>\n  <name>computer</name>\n  <capability type='system'>\n    <hardware>\n"
                "      <vendor>Skep &amp; Sons</vendor>\n"
                "      <uuid>00000000-0000-0000-0000-000000000000</uuid>\n"
                "    </hardware>\n    <firmware>\n    </firmware>\n  </capability>\n</device>\n");
    expect_xml (devices, "usb_1_2",
                "<device>\n  <name>usb_1_2</name>\n  <path>" USB "/1-2</path>\n"
                "  <devnode type='dev'>/dev/bus/usb/001/005</devnode>\n  <parent>usb_usb1</parent>\n"
                "  <capability type='usb_device'>\n    <bus>1</bus>\n    <device>5</device>\n"
                "    <product id='0xc534'>USB Receiver</product>\n    <vendor id='0x046d'/>\n"
                "  </capability>\n</device>\n");
    expect_xml (devices, "usb_1_2_1_0",
                "<device>\n  <name>usb_1_2_1_0</name>\n  <path>" USB "/1-2/1-2:1.0</path>\n"
                "  <parent>usb_1_2</parent>\n"
                "  <capability type='usb'>\n    <number>0</number>\n    <class>3</class>\n"
                "    <subclass>1</subclass>\n"
                "    <protocol>2</protocol>\n  </capability>\n</device>\n");
    expect_xml (devices, "scsi_host0",
                "<device>\n  <name>scsi_host0</name>\n  <path>" HOST "</path>\n"
                "  <parent>pci_0000_01_00_0</parent>\n"
                "  <capability type='scsi_host'>\n    <host>0</host>\n    <unique_id>3</unique_id>\n"
                "    <capability type='fc_host'>\n      <wwnn>2001001b32a9da4e</wwnn>\n"
                "      <wwpn>2101001b32a9da4e</wwpn>\n    </capability>\n  </capability>\n</device>\n");
    expect_xml (devices, "scsi_0_0_1_2",
                "<device>\n  <name>scsi_0_0_1_2</name>\n  <path>" LUN "</path>\n"
                "  <parent>scsi_target0_0_1</parent>\n"
                "  <capability type='scsi'>\n    <host>0</host>\n    <bus>0</bus>\n    <target>1</target>\n"
                "    <lun>2</lun>\n    <type>disk</type>\n  </capability>\n</device>\n");
    expect_xml (devices, "scsi_generic_sg0",
                "<device>\n  <name>scsi_generic_sg0</name>\n  <path>" LUN "/scsi_generic/sg0</path>\n"
                "  <devnode type='dev'>/dev/sg0</devnode>\n  <parent>scsi_0_0_1_2</parent>\n"
                "  <capability type='scsi_generic'>\n    <char>/dev/sg0</char>\n  </capability>\n"
                "</device>\n");
    expect_xml (devices, "block_sda_ST_1_x",
                "<device>\n  <name>block_sda_ST_1_x</name>\n  <path>" LUN "/block/sda</path>\n"
                "  <devnode type='dev'>/dev/sda</devnode>\n"
                "  <devnode type='link'>/dev/disk/by-id/ata-ST1</devnode>\n"
                "  <parent>scsi_0_0_1_2</parent>\n  <capability type='storage'>\n"
                "    <block>/dev/sda</block>\n"
                "    <bus>ata</bus>\n    <drive_type>disk</drive_type>\n    <model>ST &lt;1&gt;</model>\n"
                "    <vendor>SEAGATE</vendor>\n    <serial>ST_1-x</serial>\n    <size>2097152</size>\n"
                "    <logical_block_size>512</logical_block_size>\n    <num_blocks>4096</num_blocks>\n"
                "  </capability>\n</device>\n");
    expect_xml (devices, "net_eth0_52_54_00_12_34_56",
                "<device>\n  <name>net_eth0_52_54_00_12_34_56</name>\n  <path>" HBA "/net/eth0</path>\n"
                "  <parent>pci_0000_01_00_0</parent>\n  <capability type='net'>\n"
                "    <interface>eth0</interface>\n"
                "    <address>52:54:00:12:34:56</address>\n    <link speed='1000' state='up'/>\n"
                "    <capability type='80203'/>\n  </capability>\n</device>\n");
}

static void
expect_interface (const char *name, const char *expected)
{
    g_autofree char *xml = interface_xml (name);

    g_assert_cmpstr (xml, ==, expected);
}

static void
test_interfaces (void)
{
    g_autoptr (GPtrArray) interfaces = interfaces_read ();

    g_assert_cmpuint (interfaces->len, ==, 5);
    g_assert_true (interfaces_find (interfaces, "eth0")->port);
    g_assert_true (interfaces_find (interfaces, "eth0")->up);
    g_assert_true (interfaces_find (interfaces, "br0")->down);
    g_assert_false (interfaces_find (interfaces, "lo")->up || interfaces_find (interfaces, "lo")->down);
    g_assert_null (interfaces_find (interfaces, "bonding_masters"));
    expect_interface ("br0", "<interface type='bridge' name='br0'>\n  <mtu size='1400'/>\n"
                             "  <bridge stp='on' delay='1500'>\n    <interface type='ethernet' name='eth0'>\n"
                             "      <link speed='1000' state='up'/>\n"
                             "      <mac address='52:54:00:12:34:56'/>\n"
                             "    </interface>\n  </bridge>\n</interface>\n");
    expect_interface ("eth0.5", "<interface type='vlan' name='eth0.5'>\n  <link state='up'/>\n"
                                "  <mac address='52:54:00:12:34:57'/>\n  <vlan tag='5'>\n"
                                "    <interface name='eth0'/>\n  </vlan>\n</interface>\n");
    /* not up: no speed, whatever the driver says */
    expect_interface ("wlan0", "<interface type='ethernet' name='wlan0'>\n  <link state='lowerlayerdown'/>\n"
                               "  <mac address='52:54:00:12:34:58'/>\n</interface>\n");
    /* the kernel would take such a name */
    expect_interface ("<&'\xff", "<interface type='ethernet' name='&lt;&amp;&apos;\xef\xbf\xbd'>\n"
                                 "  <link state='unknown'/>\n</interface>\n");
}

static void
test_leases (void)
{
    g_autoptr (GPtrArray) leases = NULL;

    put ("/var/lib/libvirt/dnsmasq/virbr0.status",
         "[\n {\n  \"ip-address\": \"192.0.2.7\",\n  \"mac-address\": \"52:54:00:AA:00:01\",\n"
         "  \"hostname\": \"one\",\n  \"expiry-time\": 99999999999\n },\n"
         " { \"ip-address\": \"192.0.2.8\", \"mac-address\": \"52:54:00:aa:00:02\", \"expiry-time\": 5 },\n"
         " { \"ip-address\": \"nonsense\", \"mac-address\": \"52:54:00:aa:00:03\" }, { \"ip-address\": ");
    put ("/var/lib/misc/dnsmasq.lxcbr0.leases",
         "99999999999 52:54:00:aa:00:04 192.0.2.9 four 01:52\n0 52:54:00:aa:00:05 2001:db8::5 * *\n"
         "7 52:54:00:aa:00:06 192.0.2.10 six *\nx\n");
    put ("/var/lib/misc/other.leases", "99999999999 52:54:00:aa:00:07 192.0.2.11 seven 01:52\n");
    leases = leases_read ();
    g_assert_cmpuint (leases->len, ==, 3);
    for (guint i = 0; i < leases->len; i++) {
        const HostLease *lease = leases->pdata[i];

        if (strcmp (lease->mac, "52:54:00:aa:00:01") == 0) {
            g_assert_cmpstr (lease->address, ==, "192.0.2.7");
            g_assert_cmpstr (lease->hostname, ==, "one");
        } else if (strcmp (lease->mac, "52:54:00:aa:00:04") == 0) {
            g_assert_cmpstr (lease->hostname, ==, "four");
        } else {
            g_assert_cmpstr (lease->address, ==, "2001:db8::5");
            g_assert_true (lease->ipv6);
            g_assert_null (lease->hostname);
        }
    }
}

static void
test_memory (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) none = node_ksm_read (&error);
    g_autoptr (GArray) ksm = NULL;
    g_autofree char *text = NULL;

    g_assert_null (none);
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_FAILED);
    g_clear_error (&error);
    put ("/sys/kernel/mm/ksm/pages_to_scan", "100\n");
    put ("/sys/kernel/mm/ksm/full_scans", "5000000000\n");
    ksm = node_ksm_read (&error);
    g_assert_no_error (error);
    g_assert_cmpuint (ksm->len, ==, 2);
    g_assert_cmpuint (g_array_index (ksm, NodeKsm, 1).value, ==, 5000000000);
    g_assert_true (node_ksm_write ("pages_to_scan", 200, &error));
    text = node_read ("/sys/kernel/mm/ksm/pages_to_scan");
    g_assert_true (g_str_has_prefix (text, "200"));
    g_assert_false (node_ksm_write ("sleep_millisecs", 20, &error));
    g_assert_error (error, SKEP_ERROR, ERR_SYSTEM);
    g_clear_error (&error);

    put ("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "3\n");
    g_assert_true (node_alloc_pages (-1, 2048, 4, TRUE, &error));
    g_assert_no_error (error);
    g_free (text);
    text = node_read ("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    g_assert_cmpstr (text, ==, "7");
    g_assert_true (node_alloc_pages (-1, 2048, 1, FALSE, &error));
    g_assert_false (node_alloc_pages (0, 2048, 1, TRUE, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_FAILED);
    g_clear_error (&error);
    g_assert_false (node_alloc_pages (-1, 4, 1, TRUE, &error));
    g_assert_error (error, SKEP_ERROR, ERR_OPERATION_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;
    const char *argv_rm[] = { "rm", "-rf", NULL, NULL };
    int status;

    g_test_init (&argc, &argv, NULL);
    root = g_dir_make_tmp ("skep-device-XXXXXX", &error);
    g_assert_no_error (error);
    node_root = root;
    make_pci ();
    make_scsi ();
    make_rest ();
    g_test_add_func ("/device/names", test_names);
    g_test_add_func ("/device/pci", test_pci);
    g_test_add_func ("/device/others", test_others);
    g_test_add_func ("/device/interfaces", test_interfaces);
    g_test_add_func ("/device/leases", test_leases);
    g_test_add_func ("/device/memory", test_memory);
    status = g_test_run ();
    argv_rm[2] = root;
    g_spawn_sync (NULL, (char **) argv_rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    return status;
}
