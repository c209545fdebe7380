#!/usr/bin/perl
# operations.jsonl on standard input -> one line a request with the octets that Net::SMPP writes for it.
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
    next if $command =~ /_resp$/;
    my @given = (async => 1, seq => $case->{sequence});
    for my $name (sort keys %$fields) {
        my $value = $fields->{$name};
        if ($name eq 'source') { push @given, source_addr_ton => $value->[0], source_addr_npi => $value->[1], source_addr => $value->[2] }
        elsif ($name eq 'destination') { push @given, dest_addr_ton => $value->[0], dest_addr_npi => $value->[1], destination_addr => $value->[2] }
        elsif ($name eq 'destinations') {
            push @given, dest_flag => [map { ref $_ ? 1 : 2 } @$value],
                dest_addr_ton => [map { ref $_ ? $_->[0] : 0 } @$value],
                dest_addr_npi => [map { ref $_ ? $_->[1] : 0 } @$value],
                destination_addr => [map { ref $_ ? $_->[2] : $_ } @$value];
        }
        elsif ($name eq 'short_message') { push @given, $name => pack('H*', $value) }
        else { push @given, $name => $value }
    }
    $connection->$command(@given);
    print $json->encode({ case => $case->{case}, hex => unpack('H*', $Kept::octets) }), "\n";
}
