//! The shell around the engine: command line, files, reports. The only clock.
//!
//! Everything that touches the world is here, and nothing here decides: files become inputs of
//! the engine, its effects become text, JSON and HTML.

pub mod alerts;
pub mod backtest;
pub mod cli;
pub mod config;
pub mod demo;
pub mod evaluate;
pub mod feeds;
pub mod http;
pub mod import;
pub mod people;
pub mod piloted;
pub mod read;
pub mod report;
pub mod serve;
pub mod telemetry;
mod tls;
pub mod wire;
