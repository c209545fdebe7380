//! Appointments, and what people are told of them.

mod diary;
mod dates;
mod happened;
