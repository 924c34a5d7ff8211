//! Golden scenarios: a simulated network goes wrong in a known way, and what the engine says is held
//! against what a person would expect. Learnt once, on quiet days; every scenario goes on from there.

mod lasting;
mod outages;
mod play;
mod quiet;
mod rest;
mod signals;
