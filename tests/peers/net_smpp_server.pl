#!/usr/bin/perl
# Net::SMPP as a server: see README.md for its environment and what it prints.
# The module serves one connection at a time, and so does this. Ids are decimal with leading zeros; each message gets its receipt a tenth of
# a second after its answer, in text form only. RECEIPT_ADDRESSES=submitted leaves its addresses as they were in the submit_sm, as
# Kannel's opensmppbox does: from the sender to the recipient.
use strict;
use warnings;
use Encode qw(decode encode);
use IO::Select;
use JSON::PP;
use Net::SMPP;
use POSIX qw(strftime);
use Time::HiRes qw(time);

use constant {
    BIND_RECEIVER => 0x00000001, BIND_TRANSMITTER => 0x00000002, SUBMIT_SM => 0x00000004, UNBIND => 0x00000006,
    BIND_TRANSCEIVER => 0x00000009, ENQUIRE_LINK => 0x00000015, DELIVER_SM_RESP => 0x80000005,
};
use constant { ESM_CLASS_RECEIPT => 0x04, ESM_CLASS_UDHI => 0x40, DATA_CODING_UCS2 => 8, CHUNK => 134, RECEIPT_DELAY => 0.1 };

$| = 1;
my $json = JSON::PP->new->ascii;
my ($last_id, $sent_inbound) = (0, 0);

sub say_event { my (%event) = @_; print $json->encode(\%event), "\n"; return }

# Of GSM 03.38 what the tests use.
sub text {
    my ($data_coding, $octets) = @_;
    return decode('UTF-16BE', $octets) if $data_coding == DATA_CODING_UCS2;
    my $text = decode('ISO-8859-1', $octets);
    $text =~ tr/\x00\x04\x05\x7F/@\x{e8}\x{e9}\x{e0}/;
    return $text;
}

sub take_submit {
    my ($smpp, $pdu, $due) = @_;
    my $id = sprintf '%010d', ++$last_id;
    my ($reference, $segments, $part, $octets) = (0, 1, 1, $pdu->{short_message});
    if ($pdu->{esm_class} & ESM_CLASS_UDHI) {
        (undef, undef, undef, $reference, $segments, $part, $octets) = unpack 'C6a*', $octets;
    }
    say_event(
        event => 'submit', to => $pdu->{destination_addr}, id => $id, text => text($pdu->{data_coding}, $octets),
        reference => $reference, segments => $segments, part => $part,
    );
    $smpp->submit_sm_resp(seq => $pdu->{seq}, message_id => $id);
    push @$due, { at => time + RECEIPT_DELAY, id => $id, person => $pdu->{destination_addr}, sender => $pdu->{source_addr} } if $pdu->{registered_delivery} & 1;
    send_inbound($smpp, $pdu->{destination_addr}) if !$sent_inbound++;
    return;
}

# What the person who had the first message writes back: one segment, then several.
sub send_inbound {
    my ($smpp, $person) = @_;
    my %envelope = (async => 1, source_addr => $person, source_addr_ton => 1, source_addr_npi => 1, destination_addr => $ENV{SHORT_CODE});
    $smpp->deliver_sm(%envelope, short_message => $ENV{INBOUND_SHORT});
    my @chunks = unpack '(a' . CHUNK . ')*', encode('UTF-16BE', decode('UTF-8', $ENV{INBOUND_LONG}));
    for my $part (1 .. @chunks) {
        my $message = pack 'C6a*', 5, 0, 3, 7, scalar @chunks, $part, $chunks[$part - 1];
        $smpp->deliver_sm(%envelope, esm_class => ESM_CLASS_UDHI, data_coding => DATA_CODING_UCS2, short_message => $message);
    }
    return;
}

sub send_receipt {
    my ($smpp, $message, $sent) = @_;
    my ($from, $to) = @$message{qw(person sender)};
    ($from, $to) = ($to, $from) if ($ENV{RECEIPT_ADDRESSES} // q{}) eq 'submitted';
    my $date = strftime '%y%m%d%H%M', localtime;
    my $sequence = $smpp->deliver_sm(
        async => 1, esm_class => ESM_CLASS_RECEIPT, source_addr => $from, destination_addr => $to,
        short_message => "id:$message->{id} sub:001 dlvrd:001 submit date:$date done date:$date stat:DELIVRD err:000 text:",
    );
    $sent->{$sequence} = $message->{id};
    return;
}

sub serve {
    my ($smpp) = @_;
    my $socket = IO::Select->new($smpp);
    my (@due, %sent);
    while (1) {
        while (@due && $due[0]{at} <= time) { send_receipt($smpp, shift @due, \%sent) }
        next if !$socket->can_read(0.05);
        my $pdu = $smpp->read_pdu() // return;
        my @answer = (seq => $pdu->{seq});
        if    ($pdu->{cmd} == SUBMIT_SM)        { take_submit($smpp, $pdu, \@due) }
        elsif ($pdu->{cmd} == BIND_TRANSCEIVER) { $smpp->bind_transceiver_resp(@answer, system_id => 'net-smpp') }
        elsif ($pdu->{cmd} == BIND_TRANSMITTER) { $smpp->bind_transmitter_resp(@answer, system_id => 'net-smpp') }
        elsif ($pdu->{cmd} == BIND_RECEIVER)    { $smpp->bind_receiver_resp(@answer, system_id => 'net-smpp') }
        elsif ($pdu->{cmd} == ENQUIRE_LINK)     { $smpp->enquire_link_resp(@answer) }
        elsif ($pdu->{cmd} == UNBIND)           { $smpp->unbind_resp(@answer); return }
        elsif ($pdu->{cmd} == DELIVER_SM_RESP) {
            my $id = delete $sent{ $pdu->{seq} };
            say_event(event => 'receipt_acked', id => $id) if defined $id && $pdu->{status} == 0;
        }
    }
    return;
}

my $listener = Net::SMPP->new_listen($ENV{HOST}, port => $ENV{PORT}, smpp_version => 0x34, interface_version => 0x34) or die "listen: $!\n";
print 'LISTENING ', $listener->sockport, "\n";
while (my $connection = $listener->accept) {
    serve($connection);
    close $connection;
}
