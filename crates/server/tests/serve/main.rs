//! The server as a whole: the real binary, its store on disk, HTTP from outside.

mod alerts;
mod backup;
mod bad_input;
mod canary;
mod chaos;
mod check;
mod crash;
mod demo;
mod described;
mod documents;
mod export;
mod feeds;
mod found;
mod import;
mod limits;
mod listeners;
mod oidc;
mod on_postgres;
mod page;
mod people;
#[path = "../../../store/tests/contract/postgres.rs"]
mod postgres;
mod reload;
mod retry_advice;
mod rollout;
mod safety;
mod series;
mod stream;
mod support;
mod telemetry;
