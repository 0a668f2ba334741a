//! `tierline`: the pipeline and everything people do with it.

fn main() {}
