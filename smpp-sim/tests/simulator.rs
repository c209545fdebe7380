//! The simulator as its users meet it, over sockets and HTTP: a file each, in one program.

mod common;
mod accounts;
mod capture;
mod chaos;
mod determinism;
mod example;
mod faults;
mod http;
mod inbound;
mod lifetimes;
mod openapi;
mod operations;
mod page;
#[path = "personalities/main.rs"]
mod personalities;
mod program;
mod smscs;
mod strict;
mod tls;
mod wire;
