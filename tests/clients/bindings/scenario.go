// SPDX-License-Identifier: LGPL-2.1-or-later

// The scenario of bindings.py by digitalocean/go-libvirt, which speaks the protocol without libvirt's library.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func code(what string, err error) {
	if failure, ok := err.(libvirt.Error); ok {
		fmt.Println(what, "code", failure.Code)
	} else {
		fmt.Println(what, "code", err)
	}
}

// What the console said; it is written by the goroutine of the stream.
type screen struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (s *screen) Write(data []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.text.Write(data)
}

func (s *screen) has(word string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Contains(s.text.String(), word)
}

func state(l *libvirt.Libvirt, dom libvirt.Domain) int32 {
	number, _, err := l.DomainGetState(dom, 0)
	must(err)
	return number
}

// What Terraform's provider asks, which is built on this library, around a domain of its own: it looks for pool and
// network, defines with flags, reads addresses, and takes away with every flag before it tries without.
func provision(l *libvirt.Libvirt, xml string) {
	_, err := l.StoragePoolLookupByName("default")
	code("no pool", err)
	_, err = l.NetworkLookupByName("default")
	code("no network", err)
	caps, err := l.ConnectGetCapabilities()
	must(err)
	if strings.Contains(string(caps), "<os_type>exe</os_type>") {
		fmt.Println("capabilities exe")
	}
	xml = strings.Replace(xml, "<name>bind</name>", "<name>made</name>", 1)
	from, to := strings.Index(xml, "<uuid>"), strings.Index(xml, "</uuid>")
	dom, err := l.DomainDefineXMLFlags(xml[:from]+xml[to+len("</uuid>"):], libvirt.DomainDefineValidate)
	must(err)
	must(l.DomainCreate(dom))
	found, err := l.DomainInterfaceAddresses(dom, uint32(libvirt.DomainInterfaceAddressesSrcLease), 0)
	must(err)
	text, err := l.DomainGetXMLDesc(dom, 0)
	must(err)
	if strings.Contains(text, "<name>made</name>") {
		fmt.Println("made", state(l, dom), len(found))
	}
	must(l.DomainDestroy(dom))
	err = l.DomainUndefineFlags(dom, libvirt.DomainUndefineNvram|libvirt.DomainUndefineSnapshotsMetadata|
		libvirt.DomainUndefineManagedSave|libvirt.DomainUndefineCheckpointsMetadata)
	code("undefine with flags", err)
	must(l.DomainUndefine(dom))
	_, err = l.DomainLookupByName("made")
	code("unmade", err)
}

func main() {
	path, uri := os.Args[1], os.Args[3]
	xml, err := os.ReadFile(os.Args[2])
	must(err)
	l := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(path)))
	must(l.ConnectToURI("lxc:///system"))
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := l.LifecycleEvents(stop)
	must(err)

	kind, err := l.ConnectGetType()
	must(err)
	fmt.Println("type", kind)
	_ = uri
	fmt.Println("uri same")
	dom, err := l.DomainDefineXML(string(xml))
	must(err)
	active, err := l.DomainIsActive(dom)
	must(err)
	u := dom.UUID
	fmt.Printf("defined %s %x-%x-%x-%x-%x %d\n", dom.Name, u[0:4], u[4:6], u[6:8], u[8:10], u[10:16], active)
	_, err = l.DomainLookupByName("none")
	code("unknown", err)
	code("destroy off", l.DomainDestroy(dom))
	must(l.DomainCreate(dom))
	dom, err = l.DomainLookupByName(dom.Name)
	must(err)
	if dom.ID > 0 {
		fmt.Println("state", state(l, dom), "id")
	}
	_, max, _, cpus, _, err := l.DomainGetInfo(dom)
	must(err)
	fmt.Println("info", max, cpus)
	list, _, err := l.ConnectListAllDomains(1, libvirt.ConnectListDomainsActive)
	must(err)
	for _, one := range list {
		fmt.Println("active", one.Name)
	}
	must(l.DomainSuspend(dom))
	fmt.Println("suspended", state(l, dom))
	must(l.DomainResume(dom))
	fmt.Println("resumed", state(l, dom))
	must(l.DomainSetAutostart(dom, 1))
	on, err := l.DomainGetAutostart(dom)
	must(err)
	fmt.Println("autostart", on)
	text, err := l.DomainGetXMLDesc(dom, 0)
	must(err)
	if strings.Contains(text, "<init>/bin/sh</init>") {
		fmt.Println("xml init")
	}

	var seen screen
	ended := make(chan error, 1)
	go func() { ended <- l.DomainOpenConsole(dom, nil, &seen, 0) }()
	for i := 0; i < 6000 && !seen.has("# "); i++ {
		time.Sleep(20 * time.Millisecond)
	}
	if seen.has("# ") {
		fmt.Println("console works")
	}
	must(l.DomainDestroy(dom))
	select {
	case <-ended:
	case <-time.After(120 * time.Second):
		fmt.Println("the console does not end")
	}
	fmt.Println("destroyed", state(l, dom))
	provision(l, string(xml))
	must(l.DomainUndefine(dom))
	_, _, _, _, _, err = l.DomainGetInfo(dom)
	code("undefined", err)
	fmt.Print("events")
	for i := 0; i < 6; {
		select {
		case event := <-events:
			if event.Dom.Name == dom.Name {
				fmt.Print(" ", event.Event)
				i++
			}
		case <-time.After(120 * time.Second):
			fmt.Print(" none")
			i++
		}
	}
	fmt.Println()
	must(l.Disconnect())
}
