//! The binary from outside: files in, reports and exit codes out.

mod backtest;
mod bad_input;
mod evaluate;
mod import;
mod operator;
mod support;
mod tls;
