//! Tests of the whole product: the binary as a user runs it, over its command line and its API.

mod bad_input;
mod commands;
mod conformance;
mod crash;
mod disk;
mod examples;
mod harness;
mod seeds;
mod server;
mod workspace;
