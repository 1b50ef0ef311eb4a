//! The binary `tow`.

#[cfg(test)]
mod render;

fn main() {}
