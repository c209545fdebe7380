//! The load tester as its users meet it: a file each, in one program.

mod contract;
mod samples;
mod compare;
mod modes;
mod page;
mod reports;
mod smpp;
