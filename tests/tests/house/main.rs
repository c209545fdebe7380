//! The house rules that a machine can check, over the whole repository: directions of imports, sizes of files, what no
//! file may contain, what each Lua script has to say of itself, what the pages of threats, requirements and the law lean on.

mod compliance;
mod imports;
mod links;
mod modules;
mod programs;
mod requirements;
mod routes;
mod scripts;
mod sizes;
mod source;
mod texts;
mod threats;
