//! How work is spread over nodes, with tasks that take no time but that of a clock which jumps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod retries;
mod stop;
mod support;
mod window;
