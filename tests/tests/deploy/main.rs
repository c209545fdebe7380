//! What stands in `deploy/` is held to what reads it, as far as this machine has the tools; and what a service manager, a container's
//! health check and a restored Redis see of the programs; a restart and an upgrade under load.

mod common;
mod backup;
mod compose;
mod images;
mod kubernetes;
mod manager;
mod packages;
mod restart;
mod samples;
mod units;
