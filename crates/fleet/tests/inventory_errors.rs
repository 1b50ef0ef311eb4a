//! What a person sees whose `towline.yaml` has mistakes in it: every file of `broken/` against
//! its snapshot.

use std::path::Path;

use towline_fleet::inventory::{ConfigFile, InventoryError};

fn message(bytes: impl Into<Vec<u8>>) -> String {
    match ConfigFile::parse(Path::new("towline.yaml"), bytes.into()) {
        Ok(file) => panic!("this was taken for right: {file:#?}"),
        Err(InventoryError::Invalid { problems }) => {
            assert!(!problems.is_empty());
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            texts.join("\n\n")
        }
        Err(other) => panic!("another error: {other}"),
    }
}

#[test]
fn every_broken_file_says_what_is_wrong_and_where() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut files: Vec<_> = (std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 25, "{files:?}");
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = message(std::fs::read(&path).unwrap());
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{name}: a control character reaches the terminal: {text:?}"
        );
        insta::with_settings!({ description => name, omit_expression => true }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn other_encodings_are_named() {
    insta::assert_snapshot!(message(b"nodes:\n  - {id: a, labels: {town: K\xf6ln}}\n"));
    insta::assert_snapshot!(message(b"\xff\xfen\0o\0d\0e\0s\0"));
}

#[test]
fn a_byte_order_mark_is_no_mistake_and_moves_no_column() {
    let file = "\u{feff}nodes: [{id: a}]\n";
    assert!(ConfigFile::parse(Path::new("towline.yaml"), file.into()).is_ok());
    let text = message("\u{feff}nodes: [{id: a, prot: 1}]\n");
    assert!(text.contains("towline.yaml:1:17"), "{text}");
}

#[test]
fn windows_line_ends_are_no_mistake() {
    let file = "nodes:\r\n  - id: a\r\n    host: b\r\n";
    let file = ConfigFile::parse(Path::new("towline.yaml"), file.into()).unwrap();
    assert_eq!(file.config.nodes[0].host.as_ref().unwrap().as_str(), "b");
}

#[test]
fn a_folder_and_a_missing_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("gone.yaml")] {
        match ConfigFile::read(&path) {
            Err(InventoryError::Unreadable { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{other:?}"),
        }
    }
}

/// Every cut of a file, every line left out, and strange characters in every place: whatever
/// comes of it, it is an answer.
#[test]
fn no_text_makes_it_panic() {
    let example = include_str!("../../../docs/examples/home-cluster.yaml");
    let answer = |bytes: Vec<u8>| {
        if let Err(error) = ConfigFile::parse(Path::new("towline.yaml"), bytes) {
            assert!(!error.to_string().is_empty());
        }
    };
    for (at, _) in example.char_indices() {
        answer(example.as_bytes()[..at].to_vec());
        for strange in [
            "\t",
            "\n",
            "é",
            "\u{1f6a2}",
            "[",
            "*",
            "\"",
            "\r",
            "\u{2028}",
            "\0",
        ] {
            let text = format!("{}{strange}{}", &example[..at], &example[at..]);
            answer(text.into_bytes());
        }
    }
}

proptest::proptest! {
    #[test]
    fn nor_do_any_bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = ConfigFile::parse(Path::new("towline.yaml"), bytes);
    }

    /// Tables and lists of odd scalars under the known keys.
    #[test]
    fn nor_does_any_shape(
        key in "cluster|ssh|nodes|groups|inventory|mqtt|services|x",
        value in "(\\[|\\{|- |id: |host: |, |\\]|\\}|:|&a |\\*a|<<: |'|\"|é|\n  ?|\t|web-\\[1-3\\]|~|1e9|!!int ){0,30}",
    ) {
        let text = format!("{key}: {value}\n");
        if let Err(error) = ConfigFile::parse(Path::new("towline.yaml"), text.into_bytes()) {
            assert!(!error.to_string().is_empty());
        }
    }
}
