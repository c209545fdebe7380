#!/usr/bin/perl
# cases.jsonl on standard input -> one line a case with the octets that Net::SMPP writes for it.
use strict; use warnings; use JSON::PP; use Net::SMPP;

# A connection that keeps what is written to it.
package Kept; our @ISA = ('Net::SMPP'); our $octets;
sub syswrite { $octets = $_[1]; return length $octets }

package main;
my $connection = bless Symbol::gensym(), 'Kept';
${*$connection}{$_} = Net::SMPP::Default()->{$_} for keys %{ Net::SMPP::Default() };
$connection->set_version(0x34);
my $json = JSON::PP->new->canonical;
while (my $line = <STDIN>) {
    my $case = decode_json($line);
    my ($command, $fields) = @$case{qw(command fields)};
    my @given = (async => 1, seq => $case->{sequence});
    push @given, status => $case->{status} if $command =~ /_resp$|nack$/;
    for my $name (sort keys %$fields) {
        my $value = $fields->{$name};
        if ($name eq 'source') { push @given, source_addr_ton => $value->[0], source_addr_npi => $value->[1], source_addr => $value->[2] }
        elsif ($name eq 'destination') { push @given, dest_addr_ton => $value->[0], dest_addr_npi => $value->[1], destination_addr => $value->[2] }
        elsif ($name eq 'tlvs') { push @given, $_->[0] => pack('H*', $_->[2]) for @$value }
        elsif ($name eq 'short_message') { push @given, $name => pack('H*', $value) if $command ne 'data_sm' }
        elsif ($name eq 'replace_if_present') { push @given, replace_if_present_flag => $value if $command ne 'data_sm' }
        elsif ($command eq 'data_sm' && $name =~ /^(protocol_id|priority_flag|schedule_delivery_time|validity_period|sm_default_msg_id)$/) { }
        else { push @given, $name => $value }
    }
    $connection->$command(@given);
    print $json->encode({ case => $case->{case}, hex => unpack('H*', $Kept::octets) }), "\n";
}
