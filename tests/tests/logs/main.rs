//! What the engine tells of itself: lines of the log that belong to their request, a filter that changes while it runs, who has done
//! what, what happened to messages, and traces.

mod common;
mod requests;
mod acts;
mod messages;
mod traces;
