#!/usr/bin/perl
# Net::SMPP as a client: see README.md for its environment and what it prints.
# The module is blocking; `async` submits and a select keep a window. Long messages are cut here, and told by SAR parameters.
use strict;
use warnings;
use Encode qw(decode encode);
use IO::Select;
use JSON::PP;
use Net::SMPP;
use Time::HiRes qw(time);

use constant { SUBMIT_SM_RESP => 0x80000004, DELIVER_SM => 0x00000005, ENQUIRE_LINK => 0x00000015 };
use constant { ESM_CLASS_RECEIPT => 0x04, ESM_CLASS_UDHI => 0x40, DATA_CODING_UCS2 => 8, CHUNK => 140 };

my ($count, $long, $window, $first, $inbound) = @ENV{qw(COUNT LONG WINDOW FIRST INBOUND)};
my $deadline = time + $ENV{LIMIT};

my ($smpp, $bound) = Net::SMPP->new_transceiver(
    $ENV{HOST},
    port              => $ENV{PORT},
    system_id         => $ENV{SYSTEM_ID},
    password          => $ENV{PASSWORD},
    smpp_version      => 0x34,
    interface_version => 0x34,
) or die "connect: $!\n";
die 'bind: ' . $bound->explain_status . "\n" if $bound->status;

# What was answered, and which receipts belong to it, in whatever order the two come.
my (%accepted, %receipted, %unanswered);
my ($refused, $receipts) = (0, 0);
my (@inbound, %open);

# Each submit: the recipient, and what goes there.
my @waiting = map { [ $first + $_, short_message => 'Votre rendez-vous est confirme.' ] } 0 .. $count - 1;
push @waiting, map { segments($first + $count + $_, $_) } 0 .. $long - 1;
my $expected = @waiting;

sub matched  { return scalar grep { $receipted{$_} } keys %accepted }
sub answered { return keys(%accepted) + $refused == $expected }
sub complete { return answered() && matched() == keys %accepted && @inbound == $inbound }

sub segments {
    my ($recipient, $reference) = @_;
    my @chunks = unpack '(a' . CHUNK . ')*', encode('UTF-16BE', decode('UTF-8', $ENV{LONG_TEXT}));
    my @sar = (sar_msg_ref_num => pack('n', $reference), sar_total_segments => pack('C', scalar @chunks));
    return map { [ $recipient, data_coding => DATA_CODING_UCS2, short_message => $chunks[$_], @sar, sar_segment_seqnum => pack('C', $_ + 1) ] } 0 .. $#chunks;
}

sub submit_next {
    my ($recipient, @message) = @{ shift @waiting };
    my $sequence = $smpp->submit_sm(
        async               => 1,
        source_addr         => 'Clinique',
        source_addr_ton     => 5,
        source_addr_npi     => 0,
        destination_addr    => $recipient,
        dest_addr_ton       => 1,
        dest_addr_npi       => 1,
        registered_delivery => 1,
        @message,
    ) or die "submit_sm: $!\n";
    $unanswered{$sequence} = 1;
    return;
}

sub take {
    my ($pdu) = @_;
    if ($pdu->{cmd} == SUBMIT_SM_RESP) {
        delete $unanswered{ $pdu->{seq} };
        if   ($pdu->{status} == 0) { $accepted{ $pdu->{message_id} } = 1 }
        else                       { $refused++ }
    }
    elsif ($pdu->{cmd} == DELIVER_SM) {
        $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => q{});
        return take_inbound($pdu) if !($pdu->{esm_class} & ESM_CLASS_RECEIPT);
        $receipts++;
        my ($id) = $pdu->{short_message} =~ /id:(\S+)/;
        $receipted{ $id // $pdu->{receipted_message_id} } = 1;
    }
    elsif ($pdu->{cmd} == ENQUIRE_LINK) { $smpp->enquire_link_resp(seq => $pdu->{seq}) }
    return;
}

# A message is whole with its last segment. A surrogate pair may be cut in two: octets are joined.
sub take_inbound {
    my ($pdu) = @_;
    my ($reference, $segments, $part, $octets) = (0, 1, 1, $pdu->{short_message});
    if ($pdu->{esm_class} & ESM_CLASS_UDHI) {
        (undef, undef, undef, $reference, $segments, $part, $octets) = unpack 'C6a*', $octets;
    }
    my $parts = $open{"$pdu->{source_addr} $reference"} //= {};
    $parts->{$part} = $octets;
    return if keys %$parts < $segments;
    delete $open{"$pdu->{source_addr} $reference"};
    my $encoding = $pdu->{data_coding} == DATA_CODING_UCS2 ? 'UTF-16BE' : 'US-ASCII';
    push @inbound, decode($encoding, join q{}, map { $parts->{$_} } sort { $a <=> $b } keys %$parts);
    return;
}

my $socket = IO::Select->new($smpp);
while (!complete() && time < $deadline) {
    submit_next() while @waiting && keys(%unanswered) < $window;
    take($smpp->read_pdu() // die "read_pdu: $!\n") if $socket->can_read(0.1);
}
$smpp->unbind();
my %result = (accepted => scalar keys %accepted, refused => $refused, receipts => $receipts, matched => matched(), inbound => [sort @inbound]);
print 'RESULT ', encode_json(\%result), "\n";
exit(complete() && $refused == 0 ? 0 : 1);
