//! Every `*.conf` here is asked for the hosts in its `#?` lines. Files whose names start with `refused-` must be
//! refused by both, the others by neither.

use std::fs;

use towline_remote::ssh_config::Sources;

use crate::support::{Bench, Typed, source_dir, write_private};

#[test]
fn every_file_means_what_it_means_to_ssh() {
    let bench = Bench::new();
    let mut wrong = String::new();
    let mut files: Vec<_> = fs::read_dir(source_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .collect();
    files.sort();
    assert!(
        files.len() >= 40,
        "the corpus has only {} files",
        files.len()
    );
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read(&path).unwrap();
        let here = bench.home.path().join(name);
        write_private(&here, &text);
        let text = String::from_utf8_lossy(&text).into_owned();
        let queries: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#? "))
            .collect();
        assert!(!queries.is_empty(), "{name} asks for no host");
        for query in queries {
            let outcome = bench.compare(&Sources::File(here.clone()), &Typed::parse(query));
            match outcome {
                Ok(same) if same != name.starts_with("refused-") => {}
                Ok(true) => wrong += &format!("{name}: {query}: neither refuses\n"),
                Ok(false) => wrong += &format!("{name}: {query}: both refuse\n"),
                Err(difference) => wrong += &format!("{name}: {query}: {difference}\n"),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
