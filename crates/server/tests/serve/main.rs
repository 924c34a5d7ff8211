//! The server as a whole: the real binary, its store on disk, HTTP from outside.

mod bad_input;
mod crash;
mod documents;
mod feeds;
mod found;
mod limits;
mod oidc;
mod on_postgres;
mod people;
#[path = "../../../store/tests/contract/postgres.rs"]
mod postgres;
mod safety;
mod stream;
mod support;
