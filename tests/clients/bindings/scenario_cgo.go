// SPDX-License-Identifier: LGPL-2.1-or-later

// The scenario of bindings.py by libvirt-go, the binding that Terraform's provider and others of its time are built on.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/libvirt/libvirt-go"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func code(what string, err error) {
	if failure, ok := err.(libvirt.Error); ok {
		fmt.Println(what, "code", int(failure.Code))
	} else {
		fmt.Println(what, "code", err)
	}
}

// What watchers were told; the callback runs on the goroutine of the event loop.
type events struct {
	mutex sync.Mutex
	told  []string
}

func (e *events) add(event *libvirt.DomainEventLifecycle) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.told = append(e.told, fmt.Sprint(int(event.Event)))
}

func (e *events) list() []string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return append([]string{}, e.told...)
}

func state(dom *libvirt.Domain) int {
	number, _, err := dom.GetState()
	must(err)
	return int(number)
}

func console(conn *libvirt.Connect, name string) string {
	dom, err := conn.LookupDomainByName(name)
	must(err)
	stream, err := conn.NewStream(0)
	must(err)
	must(dom.OpenConsole("", stream, 0))
	_, err = stream.Send([]byte("\recho scena''rio\r"))
	must(err)
	text, data := "", make([]byte, 4096)
	for !strings.Contains(text, "\nscenario") {
		n, err := stream.Recv(data)
		must(err)
		if n == 0 {
			break
		}
		text += string(data[:n])
	}
	must(stream.Abort())
	return text
}

func main() {
	uri := os.Args[3]
	xml, err := os.ReadFile(os.Args[2])
	must(err)
	// Made before there is an event loop, so that only this goroutine reads it: libvirt's client can lose the
	// wake-up of a blocking read when the loop's thread takes its data.
	quiet, err := libvirt.NewConnect(uri)
	must(err)
	must(libvirt.EventRegisterDefaultImpl())
	go func() {
		for {
			must(libvirt.EventRunDefaultImpl())
		}
	}()
	_, err = libvirt.EventAddTimeout(50, func(int) {})
	must(err)
	conn, err := libvirt.NewConnect(uri)
	must(err)
	var seen events
	_, err = conn.DomainEventLifecycleRegister(nil, func(_ *libvirt.Connect, _ *libvirt.Domain, event *libvirt.DomainEventLifecycle) {
		seen.add(event)
	})
	must(err)

	kind, err := conn.GetType()
	must(err)
	fmt.Println("type", kind)
	same, err := conn.GetURI()
	must(err)
	if same == uri {
		fmt.Println("uri same")
	}
	dom, err := conn.DomainDefineXML(string(xml))
	must(err)
	name, err := dom.GetName()
	must(err)
	uuid, err := dom.GetUUIDString()
	must(err)
	active, err := dom.IsActive()
	must(err)
	fmt.Println("defined", name, uuid, map[bool]int{false: 0, true: 1}[active])
	_, err = conn.LookupDomainByName("none")
	code("unknown", err)
	code("destroy off", dom.Destroy())
	must(dom.Create())
	id, err := dom.GetID()
	must(err)
	if id > 0 {
		fmt.Println("state", state(dom), "id")
	}
	info, err := dom.GetInfo()
	must(err)
	fmt.Println("info", info.MaxMem, info.NrVirtCpu)
	list, err := conn.ListAllDomains(libvirt.CONNECT_LIST_DOMAINS_ACTIVE)
	must(err)
	for _, one := range list {
		name, err := one.GetName()
		must(err)
		fmt.Println("active", name)
	}
	must(dom.Suspend())
	fmt.Println("suspended", state(dom))
	must(dom.Resume())
	fmt.Println("resumed", state(dom))
	must(dom.SetAutostart(true))
	on, err := dom.GetAutostart()
	must(err)
	fmt.Println("autostart", map[bool]int{false: 0, true: 1}[on])
	text, err := dom.GetXMLDesc(0)
	must(err)
	if strings.Contains(text, "<init>/bin/sh</init>") {
		fmt.Println("xml init")
	}
	must(dom.SetMemoryFlags(32768, libvirt.DOMAIN_MEM_LIVE))
	limits, err := dom.GetMemoryParameters(libvirt.DOMAIN_AFFECT_LIVE)
	must(err)
	fmt.Println("limit", limits.HardLimit)
	if strings.Contains(console(quiet, name), "\nscenario") {
		fmt.Println("console works")
	}
	must(dom.Destroy())
	fmt.Println("destroyed", state(dom))
	must(dom.Undefine())
	_, err = dom.GetInfo()
	code("undefined", err)
	for i := 0; i < 6000 && len(seen.list()) < 6; i++ {
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println("events", strings.Join(seen.list(), " "))
}
