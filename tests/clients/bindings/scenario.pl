#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# The scenario of bindings.py by Sys::Virt, with events and a console beside it.
use strict;
use warnings;
use Sys::Virt;
use Sys::Virt::Event;

my ($uri, $file) = @ARGV;
my $xml = do { local (@ARGV, $/) = ($file); <> };
sub say { print join(" ", @_), "\n"; }
sub code {
    my ($what, $call) = @_;
    eval { $call->() };
    say($what, "code", ref $@ ? $@->code : "none");
}

my @events;
Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);
$conn->domain_event_register_any(undef, Sys::Virt::Domain::EVENT_ID_LIFECYCLE,
    sub { my ($c, $dom, $event) = @_; push @events, $event; });

# Runs the event loop until a condition holds, two minutes at most.
sub until_ready {
    my ($ready) = @_;
    my $end = time + 120;
    my $timer = Sys::Virt::Event::add_timeout(50, sub { });
    Sys::Virt::Event::run_default() until $ready->() or time > $end;
    Sys::Virt::Event::remove_timeout($timer);
}

say("type", $conn->get_type);
say("uri", $conn->get_uri eq $uri ? "same" : $conn->get_uri);
my $dom = $conn->define_domain($xml);
say("defined", $dom->get_name, $dom->get_uuid_string, $dom->is_active ? 1 : 0);
code("unknown", sub { $conn->get_domain_by_name("none") });
code("destroy off", sub { $dom->destroy });
$dom->create;
say("state", ($dom->get_state)[0], $dom->get_id > 0 ? "id" : "no id");
my $info = $dom->get_info;
say("info", $info->{maxMem}, $info->{nrVirtCpu});
say("active", map { $_->get_name } $conn->list_all_domains(Sys::Virt::Domain::LIST_ACTIVE));
$dom->suspend;
say("suspended", ($dom->get_state)[0]);
$dom->resume;
say("resumed", ($dom->get_state)[0]);
$dom->set_autostart(1);
say("autostart", $dom->get_autostart ? 1 : 0);
say("xml", $dom->get_xml_description =~ /<init>\/bin\/sh<\/init>/ ? "init" : "no init");
$dom->set_memory_parameters({ Sys::Virt::Domain::MEMORY_HARD_LIMIT, 32768 });
say("limit", $dom->get_memory_parameters->{Sys::Virt::Domain::MEMORY_HARD_LIMIT()});

my ($stream, $seen) = ($conn->new_stream(Sys::Virt::Stream::NONBLOCK), "");
$dom->open_console($stream, undef);
$stream->add_callback(Sys::Virt::Stream::EVENT_READABLE, sub {
    my $got = $stream->recv(my $data, 4096);
    $seen .= $data if $got > 0;
});
my $typed = "\recho con''sole\r";
$stream->send($typed, length $typed);
until_ready(sub { $seen =~ /\nconsole/ });
say("console", $seen =~ /\nconsole/ ? "works" : "said '$seen'");
$stream->remove_callback;
$stream->abort;

$dom->destroy;
say("destroyed", ($dom->get_state)[0]);
$dom->undefine;
code("undefined", sub { $dom->get_info });
until_ready(sub { @events >= 6 });
say("events", @events);
