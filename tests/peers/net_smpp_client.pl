#!/usr/bin/perl
# Net::SMPP as a client: see README.md for its environment and what it prints.
# The module is blocking; `async` submits and a select keep a window.
use strict;
use warnings;
use Encode qw(decode);
use IO::Select;
use JSON::PP;
use Net::SMPP;
use Time::HiRes qw(time);

use constant { SUBMIT_SM_RESP => 0x80000004, DELIVER_SM => 0x00000005, ENQUIRE_LINK => 0x00000015 };
use constant { ESM_CLASS_RECEIPT => 0x04, DATA_CODING_UCS2 => 8 };

my ($count, $window, $first, $inbound) = @ENV{qw(COUNT WINDOW FIRST INBOUND)};
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
my ($submitted, $refused, $receipts) = (0, 0, 0);
my @inbound;

sub matched  { return scalar grep { $receipted{$_} } keys %accepted }
sub answered { return keys(%accepted) + $refused == $count }
sub complete { return answered() && matched() == keys %accepted && @inbound == $inbound }

sub submit_next {
    my $sequence = $smpp->submit_sm(
        async               => 1,
        source_addr         => 'Clinique',
        source_addr_ton     => 5,
        source_addr_npi     => 0,
        destination_addr    => $first + $submitted,
        dest_addr_ton       => 1,
        dest_addr_npi       => 1,
        short_message       => 'Votre rendez-vous est confirme.',
        registered_delivery => 1,
    ) or die "submit_sm: $!\n";
    $unanswered{$sequence} = 1;
    $submitted++;
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
        return push @inbound, text($pdu) if !($pdu->{esm_class} & ESM_CLASS_RECEIPT);
        $receipts++;
        my ($id) = $pdu->{short_message} =~ /id:(\S+)/;
        $receipted{ $id // $pdu->{receipted_message_id} } = 1;
    }
    elsif ($pdu->{cmd} == ENQUIRE_LINK) { $smpp->enquire_link_resp(seq => $pdu->{seq}) }
    return;
}

sub text {
    my ($pdu) = @_;
    my $encoding = $pdu->{data_coding} == DATA_CODING_UCS2 ? 'UTF-16BE' : 'US-ASCII';
    return decode($encoding, $pdu->{short_message});
}

my $socket = IO::Select->new($smpp);
while (!complete() && time < $deadline) {
    submit_next() while $submitted < $count && keys(%unanswered) < $window;
    take($smpp->read_pdu() // die "read_pdu: $!\n") if $socket->can_read(0.1);
}
$smpp->unbind();
my %result = (accepted => scalar keys %accepted, refused => $refused, receipts => $receipts, matched => matched(), inbound => [sort @inbound]);
print 'RESULT ', encode_json(\%result), "\n";
exit(complete() && $refused == 0 ? 0 : 1);
